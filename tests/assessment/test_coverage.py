"""How often intervals hold the truth."""

from typing import NamedTuple

import numpy as np
import pytest

from mining_the_mines.assessment.estimators import StratifiedSample


class Ground(NamedTuple):
    """Pixels of each stratum, those of them that are mine, and places drawn."""

    pixels: tuple[int, ...]
    mines: tuple[int, ...]
    places: tuple[int, ...]


#: Strata of the simulated test region as its map divides it, and the places that the defaults draw.
REGION = Ground((11_330, 54_540, 1_024, 264_410), (9_388, 531, 0, 0), (57, 203, 50, 132))
#: The same if a thirtieth of a per cent of the unlikely ground were mines.
OMITTED = Ground(REGION.pixels, (9_388, 531, 50, 800), REGION.places)


def coverage(ground: Ground, samples: int = 1000) -> tuple[float, float]:
    """Shares of samples whose interval holds the truth: ours, and 1.96 standard errors on either side."""
    random = np.random.default_rng(7)
    rest = np.subtract(ground.pixels, ground.mines)
    drawn = random.hypergeometric(ground.mines, rest, ground.places, (samples, len(rest)))
    stratum = np.repeat(np.arange(len(rest)), ground.places)
    rank = np.concatenate([np.arange(count) for count in ground.places])
    sample = StratifiedSample(stratum, np.array(ground.pixels, float), np.divide(ground.places, ground.pixels))
    truth = sum(ground.mines) / sum(ground.pixels)
    held = []
    for found in drawn:
        share, total = sample.share(rank < found[stratum]), sample.total(rank < found[stratum])
        held.append((share.lower <= truth <= share.upper, total.lower <= truth * sample.total_area <= total.upper))
    ours, normal = np.mean(held, axis=0)
    return float(ours), float(normal)


@pytest.mark.parametrize("ground", [REGION, OMITTED])
def test_intervals_hold_the_truth_in_93_to_97_of_100_samples(ground: Ground) -> None:
    assert 0.93 <= coverage(ground)[0] <= 0.97


def test_normal_intervals_are_too_narrow_where_mines_hide_in_a_large_stratum() -> None:
    assert coverage(OMITTED)[1] < 0.90


def test_the_estimate_is_unbiased_where_the_pixel_count_is_not() -> None:
    random = np.random.default_rng(3)
    rest = np.subtract(REGION.pixels, REGION.mines)
    drawn = random.hypergeometric(REGION.mines, rest, REGION.places, (1000, len(rest)))
    estimates = (drawn / REGION.places) @ REGION.pixels
    truth = sum(REGION.mines)

    assert estimates.mean() == pytest.approx(truth, rel=0.01)
    assert REGION.pixels[0] > 1.1 * truth
