"""What Kedro-Viz shows of datasets."""

import inspect
import io
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from kedro_datasets import _typing
from PIL import Image

from mining_the_mines.datasets import previews
from mining_the_mines.datasets.chips import ChipFolderDataset
from mining_the_mines.datasets.files import CsvTable, JsonFile, ParquetTable
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.maps import MapScoresDataset, NamedAreasDataset, SceneMapsDataset
from mining_the_mines.datasets.mine_polygons import MinePolygonsDataset
from mining_the_mines.datasets.model_packages import ModelPackageDataset
from mining_the_mines.datasets.previews import markdown_preview
from mining_the_mines.datasets.scenes import (
    ChipPlacesDataset,
    CompositesDataset,
    ReachedScenesDataset,
    SceneChoiceDataset,
    SimulatedSeriesDataset,
)
from mining_the_mines.datasets.segmentation_results import SegmentationResultsDataset
from support.chip_files import BANDS, labels_for, write_chip, write_folder

NAMES = [f"chip_{number}.tif" for number in range(20)]


def picture(preview: str) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(preview)))


@pytest.mark.parametrize(
    "dataset",
    [
        ChipFolderDataset, CsvTable, ParquetTable,
        JsonFile, SceneChoiceDataset, ReachedScenesDataset, CompositesDataset, SceneMapsDataset,
        MapScoresDataset, NamedAreasDataset, MinePolygonsDataset, SegmentationResultsDataset,
        ModelPackageDataset, SimulatedSeriesDataset, ChipPlacesDataset,
    ],
)  # fmt: skip
def test_kedro_viz_learns_from_the_annotation_how_to_draw_a_preview(dataset: type) -> None:
    annotation = inspect.signature(dataset.preview).return_annotation  # type: ignore[attr-defined]
    assert annotation.__name__ in {name for name in vars(_typing) if name.endswith("Preview")}
    assert getattr(previews, annotation.__name__) is annotation


@pytest.mark.parametrize(
    ("dataset", "options"),
    [
        (ChipFolderDataset, {}), (CsvTable, {}),
        (ParquetTable, {}), (JsonFile, {}), (SceneChoiceDataset, {}), (CompositesDataset, {}),
        (MapScoresDataset, {}), (MinePolygonsDataset, {}), (SegmentationResultsDataset, {}), (NamedAreasDataset, {}),
        (ModelPackageDataset, {}), (SimulatedSeriesDataset, {}), (ChipPlacesDataset, {}),
    ],
)  # fmt: skip
def test_before_the_first_run_there_is_nothing_to_show_and_no_error(
    dataset: Any,
    options: dict[str, Any],
    tmp_path: Path,
) -> None:
    assert dataset(filepath=str(tmp_path / "nothing")).preview(**options) is None


def test_a_file_that_nobody_named_has_no_preview() -> None:
    assert MinePolygonsDataset(filepath=None).preview() is None
    assert NamedAreasDataset(filepath=None).preview() is None
    assert ChipPlacesDataset(filepath=None).preview() is None


def test_a_model_card_is_shown_with_its_tables_and_its_markup_stays_text() -> None:
    shown = markdown_preview("# Card\n\n| F1 | n |\n|---|---|\n| 0.9 | 3 |\n\n<script>x</script>\n")
    assert "<h1>Card</h1>" in shown
    assert "<td>0.9</td>" in shown
    assert "<script>" not in shown


def test_a_simulation_tells_its_settings(tmp_path: Path) -> None:
    (tmp_path / "series.json").write_text('{"settings": {"pixels": 64}}')
    assert json.loads(SimulatedSeriesDataset(filepath=str(tmp_path)).preview()) == {"settings": {"pixels": 64}}


def test_one_chip_is_shown(tmp_path: Path) -> None:
    write_folder(tmp_path / "images", NAMES)
    labels_for(NAMES).to_csv(tmp_path / "labels.csv", index=False)
    sheet = picture(ChipFolderDataset(filepath=str(tmp_path)).preview())
    assert (sheet.format, sheet.size) == ("PNG", (912, 600))


def test_chips_without_names_of_bands_are_shown_in_the_order_that_the_catalog_names(tmp_path: Path) -> None:
    write_chip(tmp_path / "chip.tif", np.full((6, 16, 16), 0.2), [None] * 6)
    dataset = ChipFolderDataset(filepath=str(tmp_path), images="", labels=None)
    assert picture(dataset.preview(bands=BANDS)).format == "PNG"


def test_chips_without_red_green_and_blue_are_shown_in_grey(tmp_path: Path) -> None:
    write_chip(tmp_path / "chip.tif", np.linspace(0, 0.5, 512).reshape(2, 16, 16), [None] * 2)
    sheet = picture(ChipFolderDataset(filepath=str(tmp_path), images="", labels=None).preview(bands=("B8", "B11")))
    red, green, blue = np.moveaxis(np.asarray(sheet.convert("RGB"))[100:400, 300:600], -1, 0)
    assert (red == green).all()
    assert (green == blue).all()


def test_a_folder_without_chips_has_no_preview(tmp_path: Path) -> None:
    assert ChipFolderDataset(filepath=str(tmp_path), images="", labels=None).preview() is None


def test_tables_are_shown_in_figures_that_people_can_read(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["a", None], "score": [0.123456789, np.nan], "count": [3, 4], "long": ["x" * 99, ""]})
    dataset = CsvTable(filepath=str(tmp_path / "table.csv"), save_args={"index": False})
    dataset.save(table)
    shown = dataset.preview()
    assert shown["columns"] == ["name", "score", "count", "long"]
    assert shown["data"] == [["a", "0.123457", "3", "x" * 39 + "…"], ["", "", "4", ""]]


def test_a_long_and_wide_table_is_cut(tmp_path: Path) -> None:
    table = pd.DataFrame(np.zeros((50, 30)), columns=[f"c{number}" for number in range(30)])
    table.index = pd.Index([f"chip {number}" for number in range(50)], name="filename")
    dataset = ParquetTable(filepath=str(tmp_path / "table.parquet"))
    dataset.save(table)
    shown = dataset.preview(nrows=5)
    assert (len(shown["data"]), len(shown["columns"])) == (5, 12)
    assert shown["columns"][0] == "filename"


def test_values_that_browsers_can_not_read_are_null(tmp_path: Path) -> None:
    dataset = JsonFile(filepath=str(tmp_path / "values.json"))
    dataset.save({"mean": float("nan"), "most": [float("inf"), 1]})
    assert json.loads(dataset.preview()) == {"mean": None, "most": [None, 1]}


def test_polygons_are_shown_by_what_their_file_says_of_them(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    gpd.GeoDataFrame({"name": ["North"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_file(path)
    for dataset in (NamedAreasDataset(filepath=str(path)), MinePolygonsDataset(filepath=str(path))):
        assert dataset.preview()["data"] == [["North"]]


def test_polygons_of_which_nothing_is_said_have_no_preview(tmp_path: Path) -> None:
    path = tmp_path / "areas.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_file(path)
    assert MinePolygonsDataset(filepath=str(path)).preview() is None


def test_folders_have_no_preview_unless_they_say_so() -> None:
    assert not hasattr(FolderDataset, "preview")
