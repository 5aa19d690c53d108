"""How often intervals hold the truth."""

from typing import NamedTuple

import numpy as np
import pytest

from mining_the_mines.assessment.estimators import (
    Estimate,
    StratifiedSample,
    difference,
    paired_difference,
    shared_covariance,
)


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


class Watched(NamedTuple):
    """Pixels of two periods: their stratum in each, whether they are mine, and places of each stratum."""

    strata: tuple[np.ndarray, np.ndarray]
    mines: tuple[np.ndarray, np.ndarray]
    places: tuple[int, ...]


def watched() -> Watched:
    """20 000 pixels, of which mines grow; the map follows them with errors, most of which stay."""
    random = np.random.default_rng(5)
    risk, error = random.random((2, 20_000))
    mines = risk < 0.08, risk < 0.11
    strata = []
    for mine in mines:
        error = np.where(random.random(20_000) < 0.1, random.random(20_000), error)
        strata.append(np.select([mine & (error > 0.3) | (error < 0.02), error < 0.2], [0, 1], 2))
    return Watched((strata[0], strata[1]), mines, (120, 120, 160))


def drawn_twice(ground: Watched, random: np.random.Generator) -> tuple[Estimate, Estimate]:
    """Change by places of permanent random numbers, paired and as if none were shared."""
    keys = random.random(len(ground.mines[0]))
    shares, deviations, places = [], [], []
    for stratum, mine in zip(ground.strata, ground.mines, strict=True):
        chosen = [np.flatnonzero(stratum == one) for one in range(len(ground.places))]
        chosen = [rows[np.argpartition(keys[rows], size)[:size]]
                  for rows, size in zip(chosen, ground.places, strict=True)]  # fmt: skip
        rows = np.concatenate(chosen)
        pixels = np.bincount(stratum)
        sample = StratifiedSample(stratum[rows], pixels.astype(float), np.divide(ground.places, pixels))
        shares.append(sample.share(mine[rows]).times(sample.total_area))
        deviations.append((sample.deviations(mine[rows]), sample.sampled[sample.stratum]))
        places.append(rows)
    _, first, second = np.intersect1d(places[0], places[1], return_indices=True)
    shared = [(both[0][at], both[1][at]) for both, at in zip(deviations, (first, second), strict=True)]
    covariance = shared_covariance(*shared)
    return paired_difference(shares[1], shares[0], covariance), difference(shares[1], shares[0])


def test_paired_intervals_of_a_change_are_tighter_and_hold_the_truth_as_often_as_they_say() -> None:
    ground, random = watched(), np.random.default_rng(2)
    truth = float(ground.mines[1].sum() - ground.mines[0].sum())
    drawn = [drawn_twice(ground, random) for _ in range(400)]
    held = np.mean([paired.lower <= truth <= paired.upper for paired, _ in drawn])
    widths = np.mean([[one.upper - one.lower for one in both] for both in drawn], axis=0)
    values = [paired.value for paired, _ in drawn]

    assert 0.93 <= held <= 0.97
    assert widths[0] < 0.8 * widths[1]
    assert np.mean([paired.standard_error for paired, _ in drawn]) == pytest.approx(np.std(values), rel=0.1)
