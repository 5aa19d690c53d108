"""Novelty: how far chips lie from the training chips."""

import numpy as np
import pytest

from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.models.novelty import UNLIKE, Novelty, fit_novelty
from support.chip_files import BANDS, SIZE, ground, packed_chips, training_folds


@pytest.fixture(scope="module")
def novelty() -> Novelty:
    packed = packed_chips(60)
    return fit_novelty(packed, training_folds(packed))


def test_like_the_training_chips(novelty: Novelty) -> None:
    scores = novelty.score(np.stack([ground(seed) for seed in range(100, 200)]))
    assert scores.min() >= 0
    assert scores.max() <= 100
    assert 10 < np.median(scores) < 90


def test_unlike_the_training_chips(novelty: Novelty) -> None:
    dark = np.stack([ground(seed) for seed in range(8)]) * np.float32(0.3)
    assert (novelty.score(dark) >= UNLIKE).all()


def test_chips_of_other_sizes(novelty: Novelty) -> None:
    assert novelty.score(ground(5, size=2 * SIZE)[None]).shape == (1,)


def test_chips_without_data(novelty: Novelty) -> None:
    empty, partly = np.full((2, len(BANDS), SIZE, SIZE), np.nan, np.float32)
    partly[:] = ground(3)
    partly[0] = np.nan
    scores = novelty.score(np.stack([empty, partly]))
    assert np.isnan(scores[0])
    assert np.isfinite(scores[1])


def test_stored_text(novelty: Novelty) -> None:
    chips = np.stack([ground(seed) for seed in range(8)])
    again = Novelty.model_validate_json(novelty.model_dump_json())
    np.testing.assert_array_equal(again.score(chips), novelty.score(chips))


def test_chips_of_one_value() -> None:
    """A figure without spread, and folds of few chips, leave the distances finite."""
    packed = pack_in_memory([np.full((6, SIZE, SIZE), 0.2, np.float32)] * 6, [f"{n}.tif" for n in range(6)], BANDS)
    same = fit_novelty(packed, training_folds(packed))
    assert np.isfinite(same.score(ground(1)[None])).all()
