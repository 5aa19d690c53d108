"""Complete networks: raw reflectance in, probability out."""

import pytest
import torch

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from support.networks import SIX_BANDS, random_chips, small_classifier, small_spec


@pytest.mark.parametrize("bands", [("B4", "B3", "B2"), SIX_BANDS, COMPETITION_BANDS], ids=len)
def test_number_of_bands(bands: tuple[str, ...]) -> None:
    classifier = small_classifier(spec=small_spec(indices=()), bands=bands)
    probabilities = classifier(random_chips(bands=len(bands)))
    assert probabilities.shape == (3,)
    assert ((probabilities > 0) & (probabilities < 1)).all()


@pytest.mark.parametrize("size", [20, 32, 48, 77])
def test_size_of_chips(size: int) -> None:
    assert small_classifier()(random_chips(size=size)).shape == (3,)


def test_gaps() -> None:
    chips = random_chips()
    chips[0, :, :10] = float("nan")
    chips[1] = float("nan")
    assert small_classifier()(chips).isfinite().all()


def test_batch_does_not_matter() -> None:
    classifier, chips = small_classifier(), random_chips(5)
    torch.testing.assert_close(classifier(chips)[:1], classifier(chips[:1]))
