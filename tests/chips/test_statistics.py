"""Statistics of bands, without the chips that are held out."""

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.chips.statistics import PERCENTILES, summarise_bands
from mining_the_mines.core.errors import BadInputError
from support.chip_files import BANDS, ground, packed_chips


def folds(numbers: list[int | None]) -> pd.DataFrame:
    """Chips ``chip_0.tif`` …; ``None`` is a test chip."""
    return pd.DataFrame(
        {
            "filename": [f"chip_{number}.tif" for number in range(len(numbers))],
            "split": ["test" if number is None else "train" for number in numbers],
            "fold": pd.array(numbers, dtype="Int64"),
        }
    )


def test_same_as_numpy() -> None:
    packed = packed_chips(4)
    figures = summarise_bands(packed, folds([0, 1, 0, 1]))["all"]
    pixels = np.stack([packed.reflectance(row) for row in range(4)]).transpose(1, 0, 2, 3).reshape(6, -1)
    np.testing.assert_allclose(figures.mean, pixels.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(figures.std, pixels.std(axis=1), rtol=1e-4)
    for percentile in PERCENTILES:
        expected = np.percentile(pixels, percentile, axis=1, method="inverted_cdf")
        np.testing.assert_allclose(figures.percentiles[f"p{percentile}"], expected, atol=1e-6)
    assert (figures.bands, figures.chips, figures.pixels) == (BANDS, 4, (4 * 16 * 16,) * 6)


def test_folds_are_left_out() -> None:
    packed = packed_chips(4)
    figures = summarise_bands(packed, folds([0, 0, 1, 2]))
    assert set(figures) == {"all", "0", "1", "2"}
    others = folds([0, 0, 1, 2]).iloc[:3]
    assert figures["2"] == summarise_bands(packed, others)["all"]


def test_test_chips_are_not_read() -> None:
    chips = [ground(seed) for seed in range(4)]
    packed = pack_in_memory(chips, [f"chip_{number}.tif" for number in range(4)], BANDS)
    brighter = pack_in_memory([*chips[:3], chips[3] + 1], packed.filenames, BANDS)
    assert summarise_bands(packed, folds([0, 1, 1, None])) == summarise_bands(brighter, folds([0, 1, 1, None]))


def test_missing_data() -> None:
    gappy = [ground(0), ground(1)]
    gappy[0][:, :8] = np.nan
    packed = pack_in_memory(gappy, ["chip_0.tif", "chip_1.tif"], BANDS)
    figures = summarise_bands(packed, folds([0, 1]))["all"]
    np.testing.assert_allclose(figures.mean, np.nanmean(np.stack(gappy), axis=(0, 2, 3)), atol=1e-5)
    assert figures.pixels == (16 * 16 + 8 * 16,) * 6


def test_band_without_data() -> None:
    blank = [ground(0), ground(1)]
    for chip in blank:
        chip[2] = np.nan
    packed = pack_in_memory(blank, ["chip_0.tif", "chip_1.tif"], BANDS)
    with pytest.raises(BadInputError, match="B4 has no data in any training chip"):
        summarise_bands(packed, folds([0, 1]))


def test_no_training_chips() -> None:
    with pytest.raises(BadInputError, match="no training chip"):
        summarise_bands(packed_chips(2), folds([None, None]))
