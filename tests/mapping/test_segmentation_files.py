"""What was found opens in a GIS, where the chip lies."""

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.mapping.chip_segmentation import LeftOutChip, SegmentedChips
from mining_the_mines.mapping.segmentation_files import COLUMNS, read_segmentation_table, write_segmented_chips
from mining_the_mines.mapping.settings import VectorSettings
from support.chip_files import ground, write_chip
from support.segmenters import FIELD_PIXELS, BrightnessOutliner, mixed_folder, write_mine


def stream(chips: Path) -> SegmentedChips:
    return SegmentedChips(ChipFolder(chips), BrightnessOutliner(), VectorSettings())


def written(folder: Path, chips: Path) -> pd.DataFrame:
    return write_segmented_chips(stream(chips), folder).set_index("filename")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """What is written for a mixed folder."""
    written(tmp_path / "results", mixed_folder(tmp_path / "chips").images)
    return tmp_path / "results"


@pytest.mark.parametrize("filename", ["utm.tif", "degrees.tif", "forest.tif"])
@pytest.mark.parametrize("kind", ["probabilities", "masks"])
def test_rasters_lie_exactly_on_the_chip(results: Path, filename: str, kind: str) -> None:
    with rasterio.open(results / kind / filename) as raster, rasterio.open(results.parent / "chips" / filename) as chip:
        assert raster.crs == chip.crs
        assert raster.transform == chip.transform
        assert raster.shape == chip.shape


def test_the_map_of_probability_can_be_cut_at_another_threshold(results: Path) -> None:
    with rasterio.open(results / "probabilities" / "utm.tif") as raster:
        assert raster.dtypes == ("float32",)
        assert np.isnan(raster.nodata)
        assert raster.descriptions == ("probability of a mine",)
        assert float(raster.tags()["threshold"]) == 0.6
        assert raster.compression.name == "deflate"
        assert (raster.read(1) >= 0.85).sum() == FIELD_PIXELS


def test_the_mask_holds_mines_and_marks_what_is_unknown(tmp_path: Path) -> None:
    pixels = np.where(np.arange(16)[:, None] < 12, ground(0), 0)
    write_chip(tmp_path / "chip.tif", pixels, georeferenced=True)
    written(tmp_path / "results", tmp_path)
    with rasterio.open(tmp_path / "results" / "masks" / "chip.tif") as raster:
        assert raster.dtypes == ("uint8",)
        assert raster.nodata == 255
        mask = raster.read(1)
    assert (mask[:12] == 0).all()
    assert (mask[12:] == 255).all()


def test_each_chip_with_a_mine_has_a_layer_in_its_own_crs(results: Path) -> None:
    layers = dict(pyogrio.list_layers(results / "outlines.gpkg"))
    assert layers == {"degrees": "MultiPolygon", "utm": "MultiPolygon"}
    for layer, code in (("utm", 32721), ("degrees", 4326)):
        outlines = pyogrio.read_dataframe(results / "outlines.gpkg", layer=layer)
        assert outlines.crs.to_epsg() == code
        assert outlines.geometry.is_valid.all()
        assert outlines["area_ha"].tolist() == pytest.approx([FIELD_PIXELS / 100], rel=0.02)
        assert outlines["touches_edge"].tolist() == [False]
        assert outlines["mean_probability"].tolist() == pytest.approx([0.9])


def test_the_same_mines_give_the_same_bytes_whenever_they_are_written(results: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    written(again, mixed_folder(tmp_path / "chips").images)
    files = [path.relative_to(again) for path in again.rglob("*.*")]
    assert Path("outlines.gpkg") in files
    assert [str(name) for name in files if (again / name).read_bytes() != (results / name).read_bytes()] == []


def test_layer_and_mask_show_the_same_mine(results: Path) -> None:
    (polygon,) = pyogrio.read_dataframe(results / "outlines.gpkg", layer="utm").geometry
    with rasterio.open(results / "masks" / "utm.tif") as raster:
        assert (raster.read(1) == 1).sum() * 100 == polygon.area


def test_the_table_tells_each_chips_mines_or_why_there_is_no_answer(tmp_path: Path) -> None:
    table = written(tmp_path / "results", mixed_folder(tmp_path / "chips").images)
    assert table["mines"].astype(object).where(table["mines"].notna(), None).to_dict() == {
        "broken.tif": None, "degrees.tif": 1, "forest.tif": 0, "night.tif": None, "nowhere.tif": None, "utm.tif": 1,
    }  # fmt: skip
    assert table.loc["utm.tif", "hectares"] == pytest.approx(FIELD_PIXELS / 100, rel=0.01)
    assert table.loc["utm.tif", "highest_probability"] == pytest.approx(0.9)
    assert (table["error"] != "").to_numpy().tolist() == [True, False, False, True, True, False]
    assert table.loc["utm.tif", "layer"] == "utm"
    assert table.loc["forest.tif", "layer"] == ""


def test_the_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = write_segmented_chips(stream(mixed_folder(tmp_path / "chips").images), tmp_path / "results")
    pd.testing.assert_frame_equal(read_segmentation_table(tmp_path / "results"), table)


def test_a_folder_without_mines_has_no_geopackage(tmp_path: Path) -> None:
    write_chip(tmp_path / "forest.tif", ground(0), georeferenced=True)
    table = written(tmp_path / "results", tmp_path)
    assert table["mines"].tolist() == [0]
    assert table["hectares"].tolist() == [0]
    assert not (tmp_path / "results" / "outlines.gpkg").exists()


def test_chips_with_alike_or_reserved_names_have_layers_of_their_own(tmp_path: Path) -> None:
    for name in ("pit.tif", "pit.tiff", "PIT.TIF", "gpkg_contents.tif", "Grube nördlich 1.b.tif"):
        write_mine(tmp_path / name)
    table = written(tmp_path / "results", tmp_path)
    assert set(table["layer"]) == set(pyogrio.list_layers(tmp_path / "results" / "outlines.gpkg")[:, 0])
    assert table["layer"].is_unique
    assert table.loc["gpkg_contents.tif", "layer"] == "chip_gpkg_contents"
    assert table.loc["Grube nördlich 1.b.tif", "layer"] == "Grube nördlich 1.b"


def test_what_was_there_stays_if_the_chips_break_off(tmp_path: Path) -> None:
    write_mine(tmp_path / "chips" / "mine.tif")
    written(tmp_path / "results", tmp_path / "chips")

    def broken_off() -> Iterator[LeftOutChip]:
        yield LeftOutChip("mine.tif", "dark")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_segmented_chips(broken_off(), tmp_path / "results")
    assert read_segmentation_table(tmp_path / "results")["mines"].tolist() == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chips", "results"]


def test_a_place_that_cant_be_written_to_is_told(tmp_path: Path) -> None:
    write_mine(tmp_path / "chips" / "mine.tif")
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match=r"results can't be written"):
        written(tmp_path / "file" / "results", tmp_path / "chips")


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file grow beyond 60 kB, as a disk does that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_told_in_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    write_mine(tmp_path / "chips" / "mine.tif")
    with pytest.raises(BadInputError, match=r"can't be written \(the layer mine could not be added to outlines.gpkg\)"):
        written(tmp_path / "results", tmp_path / "chips")
    assert [path.name for path in tmp_path.iterdir()] == ["chips"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "run inference first"),
        ("filename,mines\na.tif,1\n", "lacks columns"),
        (",".join(COLUMNS) + "\na.tif,,many,0,0,\n", "no table of outlines"),
    ],
)
def test_a_table_that_is_none_is_told(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "outlines.csv").write_text(content)
    with pytest.raises(BadInputError, match=words):
        read_segmentation_table(tmp_path)
