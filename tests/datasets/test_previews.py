"""Previews of datasets in Kedro-Viz."""

import io
from base64 import b64decode
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from mining_the_mines.datasets.chips import ChipFolderDataset, SegmentedChipsDataset
from mining_the_mines.datasets.files import CsvTable, ParquetTable
from mining_the_mines.datasets.maps import MapScoresDataset, SceneMapsDataset
from mining_the_mines.datasets.provided import ChipPlacesDataset, MinePolygonsDataset, NamedAreasDataset
from mining_the_mines.datasets.scenes import CompositesDataset, SceneSelectionDataset
from support.chip_files import labels_for, write_folder

NAMES = [f"chip_{number}.tif" for number in range(20)]
PREVIEWED = [
    ChipFolderDataset, CsvTable, ParquetTable, SceneSelectionDataset, CompositesDataset, SceneMapsDataset,
    MapScoresDataset, NamedAreasDataset, MinePolygonsDataset, SegmentedChipsDataset, ChipPlacesDataset,
]  # fmt: skip


def picture(preview: str) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(preview)))


@pytest.mark.parametrize("dataset", [each for each in PREVIEWED if each is not SceneMapsDataset])
def test_no_preview_before_the_first_run(dataset: Any, tmp_path: Path) -> None:
    assert dataset(filepath=str(tmp_path / "nothing")).preview() is None


@pytest.mark.parametrize("dataset", [MinePolygonsDataset, NamedAreasDataset, ChipPlacesDataset])
def test_no_preview_of_an_unnamed_file(dataset: Any) -> None:
    assert dataset(filepath=None).preview() is None


def test_one_chip_is_shown(tmp_path: Path) -> None:
    write_folder(tmp_path / "images", NAMES)
    labels_for(NAMES).to_csv(tmp_path / "labels.csv", index=False)
    shown = picture(ChipFolderDataset(filepath=str(tmp_path)).preview())
    assert (shown.format, shown.size) == ("PNG", (912, 600))


def test_folder_without_chips_has_no_preview(tmp_path: Path) -> None:
    assert ChipFolderDataset(filepath=str(tmp_path), images="", labels=None).preview() is None


def test_tables_are_formatted(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["a", None], "score": [0.123456789, np.nan], "count": [3, 4], "long": ["x" * 99, ""]})
    dataset = CsvTable(filepath=str(tmp_path / "table.csv"), save_args={"index": False})
    dataset.save(table)
    shown = dataset.preview()
    assert shown["columns"] == ["name", "score", "count", "long"]
    assert shown["data"] == [["a", "0.123457", "3", "x" * 39 + "…"], ["", "", "4", ""]]


def test_large_tables_are_cut(tmp_path: Path) -> None:
    table = pd.DataFrame(np.zeros((50, 30)), columns=[f"c{number}" for number in range(30)])
    table.index = pd.Index([f"chip {number}" for number in range(50)], name="filename")
    dataset = ParquetTable(filepath=str(tmp_path / "table.parquet"))
    dataset.save(table)
    shown = dataset.preview(nrows=5)
    assert (len(shown["data"]), len(shown["columns"])) == (5, 12)
    assert shown["columns"][0] == "filename"


def test_attributes_of_polygons(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    gpd.GeoDataFrame({"name": ["North"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_file(path)
    for dataset in (NamedAreasDataset(filepath=str(path)), MinePolygonsDataset(filepath=str(path))):
        assert dataset.preview()["data"] == [["North"]]
