"""Complete networks: raw reflectance in, probability out."""

import pytest
import torch

from mining_the_mines.core.errors import BadInputError
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


@pytest.mark.parametrize("architecture", ["test_maxvit", "test_vit", "test_convnext"])
def test_statistics(architecture: str) -> None:
    """The decision looks at every parameter, as training on several devices wants it."""
    classifier = small_classifier(spec=small_spec(architecture, input_size=64, pooling="statistics"))
    probabilities = classifier(random_chips())
    assert ((probabilities > 0) & (probabilities < 1)).all()
    logits = classifier.train().logits(random_chips()).sum()
    gradients = torch.autograd.grad(logits, list(classifier.parameters()), allow_unused=True)
    assert all(gradient is not None for gradient in gradients)


def test_statistics_of_foreign_encoder() -> None:
    classifier = small_classifier(spec=small_spec("efficientnet-b0", input_size=64, pooling="statistics"))
    assert classifier(random_chips()).isfinite().all()


def test_statistics_of_uneven_size() -> None:
    with pytest.raises(BadInputError, match=r"can't build test_maxvit of input size 40 .*multiple of 32"):
        small_classifier(spec=small_spec("test_maxvit", input_size=40, pooling="statistics"))
