"""Features of cover: which covers a chip shows, and what lies beside what."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.chips.cover import CoverProgram, cover_maps
from mining_the_mines.chips.features import FeatureSettings, check_features
from mining_the_mines.core.errors import BadInputError
from support.chip_files import BANDS

#: Reflectance in blue, green, red, near and short-wave infrared of what a pixel may hold.
FOREST = (0.02, 0.04, 0.03, 0.30, 0.15, 0.07)
SPOIL = (0.14, 0.18, 0.24, 0.32, 0.42, 0.36)
POND = (0.10, 0.14, 0.15, 0.10, 0.03, 0.02)
RIVER = (0.03, 0.04, 0.03, 0.02, 0.01, 0.01)
SIZE = 32

Map = npt.NDArray[np.float32]


def cover_features(chip: dict[str, Map]) -> dict[str, float]:
    """Features of one chip by name."""
    program = CoverProgram(tuple(chip), SIZE)
    figures = program(torch.from_numpy(np.stack(list(chip.values()))[None]))
    return {name: float(value) for name, value in figures.items()}


def paint(background: tuple[float, ...], *patches: tuple[slice, slice, tuple[float, ...]]) -> dict[str, Map]:
    """A chip of one cover with rectangles of others."""
    chip = np.empty((len(BANDS), SIZE, SIZE), np.float32)
    chip[:] = np.array(background)[:, None, None]
    for rows, columns, spectrum in patches:
        chip[:, rows, columns] = np.array(spectrum)[:, None, None]
    return dict(zip(BANDS, chip, strict=True))


@pytest.mark.parametrize(
    ("spectrum", "cover"), [(FOREST, "green"), (SPOIL, "bright"), (SPOIL, "bare"), (POND, "turbid"), (RIVER, "clear")]
)
def test_typical_spectra(spectrum: tuple[float, ...], cover: str) -> None:
    assert cover_features(paint(spectrum))[f"{cover}_share"] > 0.9


def test_neighbours() -> None:
    spoil, near, far = slice(0, 8), slice(8, 16), slice(24, 32)
    left = slice(0, 8)
    beside = cover_features(paint(FOREST, (spoil, left, SPOIL), (near, left, POND)))
    apart = cover_features(paint(FOREST, (spoil, left, SPOIL), (far, slice(24, 32), POND)))
    assert beside["bright_share"] == pytest.approx(apart["bright_share"])
    assert beside["bright_by_turbid7"] > 5 * apart["bright_by_turbid7"]


@given(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6))
def test_range(spectrum: list[float]) -> None:
    chip = {band: torch.from_numpy(plane) for band, plane in paint(tuple(spectrum)).items()}
    for cover in cover_maps(chip).values():
        assert (cover >= -1e-6).all()
        assert (cover <= 1 + 1e-6).all()


def test_nodata() -> None:
    whole = paint(FOREST, (slice(0, 8), slice(None), SPOIL))
    holed = {band: plane.copy() for band, plane in whole.items()}
    holed["B4"][8:] = np.nan
    assert cover_features(holed)["bright_share"] > 0.9
    assert not np.isnan(list(cover_features(holed).values())).any()


def test_rotation() -> None:
    chip = paint(FOREST, (slice(0, 8), slice(0, 12), SPOIL), (slice(8, 14), slice(4, 9), POND))
    turned = {band: np.rot90(plane).copy() for band, plane in chip.items()}
    before, after = cover_features(chip), cover_features(turned)
    assert after == pytest.approx(before, rel=1e-3, abs=1e-5)


def test_missing_band() -> None:
    with pytest.raises(BadInputError, match=r"needs B11, which the chips lack: .* features.families"):
        check_features(FeatureSettings(indices=()), [band for band in BANDS if band != "B11"])
