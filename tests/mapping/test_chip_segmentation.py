"""Segmented chips: files that open in a GIS, or the reason why there are none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
from rasterio.crs import CRS

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.mapping.chip_segmentation import COLUMNS, read_segmentation_table, segment_folder
from mining_the_mines.mapping.settings import VectorSettings
from mining_the_mines.models.novelty import fit_novelty
from support.chip_files import BANDS, ground, training_folds, write_chip
from support.segmenters import FIELD_PIXELS, BrightnessSegmenter, bright_field, mixed_folder, write_mine


def segment(chips: Path, folder: Path, segmenter: BrightnessSegmenter | None = None) -> pd.DataFrame:
    model = segmenter or BrightnessSegmenter()
    found = segment_folder(ChipFolder(chips), model, model.chips, VectorSettings(), folder)
    return found.table.set_index("filename")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of a mixed folder."""
    segment(mixed_folder(tmp_path / "chips").images, tmp_path / "results")
    return tmp_path / "results"


@pytest.mark.parametrize("filename", ["utm.tif", "degrees.tif", "forest.tif"])
@pytest.mark.parametrize("kind", ["probabilities", "masks"])
def test_rasters(results: Path, filename: str, kind: str) -> None:
    with rasterio.open(results / kind / filename) as raster, rasterio.open(results.parent / "chips" / filename) as chip:
        assert (raster.crs, raster.transform, raster.shape) == (chip.crs, chip.transform, chip.shape)


def test_probability_raster(results: Path) -> None:
    with rasterio.open(results / "probabilities" / "utm.tif") as raster:
        assert raster.dtypes == ("float32",)
        assert np.isnan(raster.nodata)
        assert raster.descriptions == ("probability of a mine",)
        assert float(raster.tags()["threshold"]) == 0.6
        assert (raster.read(1) >= 0.85).sum() == FIELD_PIXELS


def test_novelty(tmp_path: Path) -> None:
    """A chip of familiar ground and another as bright and even as snow."""
    chips = [ground(seed) for seed in range(40)]
    packed = pack_in_memory(chips, [f"{number}.tif" for number in range(40)], BANDS)
    segmenter = BrightnessSegmenter(novelty=fit_novelty(packed, training_folds(packed)))
    write_chip(tmp_path / "home.tif", ground(50), georeferenced=True)
    write_chip(tmp_path / "snow.tif", 0.8 + 0.1 * ground(51), georeferenced=True)
    novelty = segment(tmp_path, tmp_path / "results", segmenter)["novelty"]
    assert novelty["snow.tif"] == 100
    assert novelty["home.tif"] < 99


def test_mask_without_data_is_unknown(tmp_path: Path) -> None:
    pixels = np.where(np.arange(16)[:, None] < 12, ground(0), 0)
    write_chip(tmp_path / "chip.tif", pixels, georeferenced=True)
    segment(tmp_path, tmp_path / "results")
    with rasterio.open(tmp_path / "results" / "masks" / "chip.tif") as raster:
        assert (raster.dtypes, raster.nodata) == (("uint8",), 255)
        mask = raster.read(1)
    assert (mask[:12] == 0).all()
    assert (mask[12:] == 255).all()


def test_layer_in_the_chips_crs(results: Path) -> None:
    layers = dict(pyogrio.list_layers(results / "mine_polygons.gpkg"))
    assert layers == {"degrees": "MultiPolygon", "utm": "MultiPolygon"}
    for layer, code in (("utm", 32721), ("degrees", 4326)):
        polygons = pyogrio.read_dataframe(results / "mine_polygons.gpkg", layer=layer)
        assert polygons.crs.to_epsg() == code
        assert polygons.geometry.is_valid.all()
        assert polygons["area_ha"].tolist() == pytest.approx([FIELD_PIXELS / 100], rel=0.02)
        assert polygons["touches_edge"].tolist() == [False]
        assert polygons["mean_probability"].tolist() == pytest.approx([0.9])
    with rasterio.open(results / "masks" / "degrees.tif") as raster:
        assert (raster.read(1) == 1).sum() == FIELD_PIXELS


def test_same_bytes_again(results: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    segment(tmp_path / "chips", again)
    files = [path.relative_to(again) for path in again.rglob("*.*")]
    assert Path("mine_polygons.gpkg") in files
    assert [str(name) for name in files if (again / name).read_bytes() != (results / name).read_bytes()] == []


def test_table(results: Path) -> None:
    table = read_segmentation_table(results).set_index("filename")
    assert table["mines"].astype(object).where(table["mines"].notna(), None).to_dict() == {
        "broken.tif": None, "degrees.tif": 1, "forest.tif": 0, "night.tif": None, "nowhere.tif": None, "utm.tif": 1,
    }  # fmt: skip
    assert table.loc["utm.tif", "hectares"] == pytest.approx(FIELD_PIXELS / 100, rel=0.01)
    assert table.loc["utm.tif", "highest_probability"] == pytest.approx(0.9)
    assert table["layer"].to_dict()["utm.tif"] == "utm"
    assert table["layer"].to_dict()["forest.tif"] == ""


@pytest.mark.parametrize(
    ("filename", "words"), [("broken.tif", "can't be read"), ("nowhere.tif", "no CRS"), ("night.tif", "empty")]
)
def test_reasons(results: Path, filename: str, words: str) -> None:
    reason = read_segmentation_table(results).set_index("filename")["error"][filename]
    assert filename in reason
    assert words in reason


def test_unusable_chips(tmp_path: Path) -> None:
    write_chip(tmp_path / "blue.tif", bright_field()[:2], BANDS[:2], georeferenced=True)
    write_mine(tmp_path / "local.tif", CRS.from_wkt('LOCAL_CS["mine grid",UNIT["metre",1]]'))
    pixels = bright_field()
    pixels[0, :8] = np.nan  # no pixel has data in both bands
    pixels[1, 8:] = np.nan
    write_chip(tmp_path / "halves.tif", pixels, scaled=False, georeferenced=True)
    reasons = segment(tmp_path, tmp_path / "results")["error"]
    assert "lacks B4" in reasons["blue.tif"]
    assert "local.tif can't be segmented" in reasons["local.tif"]
    assert "can't be placed on the Earth" in reasons["local.tif"]
    assert "halves.tif has no pixel with data in every band" in reasons["halves.tif"]


def test_layer_names(tmp_path: Path) -> None:
    for name in ("pit.tif", "pit.tiff", "PIT.TIF", "gpkg_contents.tif", "Grube nördlich 1.b.tif"):
        write_mine(tmp_path / name)
    table = segment(tmp_path, tmp_path / "results")
    assert set(table["layer"]) == set(pyogrio.list_layers(tmp_path / "results" / "mine_polygons.gpkg")[:, 0])
    assert table["layer"].is_unique
    assert table.loc["gpkg_contents.tif", "layer"] == "chip_gpkg_contents"
    assert table.loc["Grube nördlich 1.b.tif", "layer"] == "Grube nördlich 1.b"


def test_failure_keeps_old_results(tmp_path: Path) -> None:
    write_mine(tmp_path / "chips" / "mine.tif")
    segment(tmp_path / "chips", tmp_path / "results")
    with pytest.raises(BadInputError, match="There is no folder"):
        segment(tmp_path / "nowhere", tmp_path / "results")
    assert read_segmentation_table(tmp_path / "results")["mines"].tolist() == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chips", "results"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "run inference first"),
        ("filename,mines\na.tif,1\n", "lacks columns"),
        (",".join(COLUMNS) + "\na.tif,,many,0,0,\n", "no table of segmented chips"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "chips.csv").write_text(content)
    with pytest.raises(BadInputError, match=words):
        read_segmentation_table(tmp_path)
