"""Attributes of mines: provenance, area, confidence."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
from pydantic import ValidationError
from rasterio.crs import CRS

from mining_the_mines.mapping.attributes import COLUMNS, MapFacts, classify_confidence, describe_mines
from mining_the_mines.mapping.polygonize import ProbabilityRows, polygonize
from mining_the_mines.mapping.settings import ConfidenceSettings, Thresholds, VectorSettings
from support.likely_pixels import grid_for, picture
from support.segmenters import DEGREES, UTM

FACTS = MapFacts("T21MXT", "unet", "3", date(2024, 7, 1), date(2024, 9, 28), "scene_maps:0123")
HALF = Thresholds(0.5, 0.5)


def patches(*rows: str, clear_dates: int | None = 5) -> gpd.GeoDataFrame:
    probability = picture(*rows)
    dates = None if clear_dates is None else np.full(probability.shape, clear_dates, dtype=np.uint16)
    blocks = [ProbabilityRows(0, probability, dates)]
    return polygonize(blocks, grid_for(probability), HALF, VectorSettings(minimum_hectares=0))


def confidence(mean: float, clear_dates: float = 5, *, touches_edge: bool = False) -> str:
    row = {"mean_probability": [mean], "clear_dates": [clear_dates], "touches_edge": [touches_edge]}
    return str(classify_confidence(gpd.GeoDataFrame(row), HALF)[0])


def test_columns() -> None:
    mines = describe_mines(patches("....", ".##.", "...."), FACTS, HALF)
    assert mines.drop(columns="geometry").dtypes.astype(str).to_dict() == COLUMNS
    known = {"scene": "T21MXT", "model": "unet", "model_version": "3", "lineage_id": "scene_maps:0123"}
    known |= {"first_date": "2024-07-01", "last_date": "2024-09-28", "confidence": "high"}
    assert mines.iloc[0][list(known)].to_dict() == known
    assert mines.crs.to_epsg() == 32721
    undated = describe_mines(patches("##", clear_dates=None), MapFacts("s", "m", "1"), HALF)
    assert undated[["first_date", "last_date", "clear_dates"]].isna().all(axis=None)
    assert undated["confidence"].tolist() == ["medium"]


def test_no_mines(tmp_path: Path) -> None:
    mines = describe_mines(patches("....", "...."), FACTS, HALF)
    assert len(mines) == 0
    assert mines.drop(columns="geometry").dtypes.astype(str).to_dict() == COLUMNS
    mines.to_file(tmp_path / "mines.gpkg", engine="pyogrio", geometry_type="MultiPolygon")
    assert pyogrio.read_info(tmp_path / "mines.gpkg")["features"] == 0


@pytest.mark.parametrize("crs", [UTM, DEGREES])
def test_centroid(crs: CRS) -> None:
    probability = picture("....", ".##.", "....")
    found = polygonize(
        [ProbabilityRows(0, probability)], grid_for(probability, crs), HALF, VectorSettings(minimum_hectares=0)
    )
    mines = describe_mines(found, FACTS, HALF)
    west, south, east, north = found.to_crs(DEGREES.to_wkt()).total_bounds
    middle = [(west + east) / 2, (south + north) / 2]
    assert mines.loc[0, ["longitude", "latitude"]].tolist() == pytest.approx(middle, rel=1e-7)


@pytest.mark.parametrize(
    ("mean", "clear_dates", "touches_edge", "expected"),
    [
        (0.9, 5, False, "high"),
        (0.75, 3, False, "high"),
        (0.74, 5, False, "medium"),
        (0.9, 2, False, "medium"),
        (0.9, 5, True, "medium"),
        (0.9, 1, False, "medium"),
        (0.55, 1, False, "low"),
        (0.55, 5, False, "low"),
        (0.6, 5, True, "medium"),
        (0.9, float("nan"), False, "medium"),
        (0.55, float("nan"), False, "low"),
    ],
)
def test_confidence(mean: float, clear_dates: float, touches_edge: bool, expected: str) -> None:
    assert confidence(mean, clear_dates, touches_edge=touches_edge) == expected


def test_no_limit_makes_unknown_dates_enough() -> None:
    row = {"mean_probability": [1.0], "clear_dates": [float("nan")], "touches_edge": [False]}
    settings = ConfidenceSettings(high_clear_dates=0)
    assert classify_confidence(gpd.GeoDataFrame(row), HALF, settings).tolist() == ["medium"]


@pytest.mark.parametrize("fields", [{"low_margin": 0.6}, {"low_clear_dates": 1}, {"high_margin": 2}])
def test_overlapping_classes_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        ConfidenceSettings.model_validate(fields)
