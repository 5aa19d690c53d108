"""Faults of chips, and whether enough are left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mining_the_mines.chips.quality import ChipSettings, check_sufficiency, judge_chip
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.rasters.chip import Chip
from support.chip_files import BANDS, ground

SETTINGS = ChipSettings(bands=BANDS)
Change = Callable[[np.ndarray], Any]


def chip(change: Change | None = None) -> Chip:
    pixels = ground(1)
    if change is not None:
        change(pixels)
    return Chip(pixels, BANDS, "float32")


def put(where: Any, value: float) -> Change:
    return lambda pixels: pixels.__setitem__(where, value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put(slice(None), np.nan), "empty: no data, or zero in every band"),
        (put((slice(None), slice(10)), np.nan), "too much nodata: 62% of its values, where 50% are allowed"),
        (put(2, np.nan), "empty band: B4 holds no data"),
        (put((0, 3, 3), np.inf), "non-finite: 1 values are infinite"),
        (put((0, 3, 3), -np.inf), "non-finite: 1 values are infinite"),
        (put(slice(None), 0.3), "constant: B2, B3, B4, B8, B11, B12 has the same value everywhere"),
        (put(4, 0.3), "constant: B11 has the same value everywhere"),
        (put((slice(None), slice(8)), 3000), "implausible reflectance: 50% of its values lie outside -0.09 to 2"),
        (put((slice(None), slice(8)), -0.2), "implausible reflectance"),
    ],
)
def test_faults(change: Change, fault: str) -> None:
    assert (judge_chip(chip(change), SETTINGS).fault or "").startswith(fault)


@pytest.mark.parametrize(
    "change",
    [put((slice(None), slice(4)), np.nan), put((0, 0, 0), 3), put((slice(None), 0), -0.01), put((1, 1, 1), np.nan)],
    ids=["a swath edge", "a glint", "slightly negative", "one gap"],
)
def test_tolerated(change: Change) -> None:
    assert judge_chip(chip(change), SETTINGS).fault is None


@pytest.mark.parametrize("metres", [1, 5, 20, 30, 60])
def test_other_pixels(metres: int) -> None:
    grid = ChipGrid(CRS.from_epsg(32721), from_origin(500_000, 9_400_000, metres, metres), 16, 16)
    odd = Chip(ground(1), BANDS, "float32", grid)
    message = f"other pixels: they are {metres} m where 10 m are wanted"
    assert (judge_chip(odd, SETTINGS).fault or "").startswith(message)
    assert judge_chip(odd, SETTINGS.model_copy(update={"pixel": float(metres)})).fault is None
    assert judge_chip(odd, SETTINGS.model_copy(update={"pixel": None})).fault is None


@pytest.mark.parametrize(("crs", "step"), [("EPSG:4326", 8.98e-5), ("EPSG:3857", 11.0), ("EPSG:32633", 9.5)])
def test_pixels_of_about_ten_metres(crs: str, step: float) -> None:
    grid = ChipGrid(CRS.from_string(crs), from_origin(step, 100 * step, step, step), 16, 16)
    assert judge_chip(Chip(ground(1), BANDS, "float32", grid), SETTINGS).fault is None


def manifest(labels: list[int | None], faults: list[str] | None = None) -> pd.DataFrame:
    faults = faults or []
    return pd.DataFrame(
        {
            "filename": [f"{number}.tif" for number in range(len(labels) + len(faults))],
            "label": pd.array([*labels, *[1] * len(faults)], dtype="Int64"),
            "verdict": ["accepted"] * len(labels) + ["rejected"] * len(faults),
            "reason": pd.Series([*[None] * len(labels), *faults], dtype="str"),
        }
    )


@pytest.mark.parametrize(
    ("table", "wanted", "message"),
    [
        (manifest([1, 1, 1]), 2, r"Only 3 chips with and 0 without a mine.* are needed: add labelled"),
        (
            manifest([0, 1], ["unreadable: a", "constant: B2", "unreadable: b"]),
            2,
            r"rejected: 2 unreadable \(such as 2\.tif: a\), 1 constant \(such as 3\.tif: B2\); rejected\.csv lists",
        ),
        (manifest([None] * 3), 4, r"Only 3 chips can be used where 4 are needed"),
    ],
)
def test_too_few_chips(table: pd.DataFrame, wanted: int, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        check_sufficiency(table, wanted, Path("rejected.csv"))


@pytest.mark.parametrize(
    ("bands", "message"),
    [(("B2", "B17"), "B17 is no band of Sentinel-2"), (("B2", "B2"), "named twice"), ((), "bands")],
)
def test_unknown_bands(bands: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ChipSettings(bands=bands)
