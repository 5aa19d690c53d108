"""Chips that were cut, as the rest of the pipeline reads them."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

from mining_the_mines.chips.cutting import CuttingSettings, cut_chips
from mining_the_mines.chips.cutting_files import LABELS, LEFT_OUT, RECORD, read_cutting, write_chips
from mining_the_mines.chips.cutting_places import read_places
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.labels import read_labels
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import MinePolygons, read_mine_polygons
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import RasterFormat
from support.chip_polygons import outlines_in, square, utm_grid
from support.composites import BANDS, at, composite_at

SETTINGS = CuttingSettings(size=16)


def mine_and_speck(folder: Path) -> MinePolygons:
    """A mine on the first chip, and one on the second that is too small to tell."""
    shapes = [square(*at(2, 12), 100), square(*at(20, 12), 5)]
    frame = gpd.GeoDataFrame({"kind": ["pit", "pond"]}, geometry=shapes, crs="EPSG:32721")
    frame.to_file(folder / "mines.gpkg", engine="pyogrio")
    return read_mine_polygons(folder / "mines.gpkg")


def table(path: Path) -> pd.DataFrame:
    """A table as text."""
    return pd.read_csv(path, keep_default_na=False, dtype="str")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_is_read_as_handed_over_chips_are(tmp_path: Path) -> None:
    folder = tmp_path / "chips"
    write_chips(cut_chips([composite_at(tmp_path)], mine_and_speck(tmp_path), SETTINGS), folder)
    chips = ChipFolder(folder / "images", read_labels(folder / LABELS))
    manifest = take_inventory(chips, ChipSettings(bands=BANDS))
    assert len(manifest) == 19
    assert (manifest["verdict"] == "accepted").all()
    (mine,) = manifest[manifest["label"] == 1].to_dict("records")
    assert (mine["filename"], mine["category"], mine["group"]) == ("north_r000_c000.tif", "pit", "north/r0c0")
    assert ChipFolder(folder / "unlabelled").filenames == ("north_r000_c001.tif",)


def test_labels_tell_share_region_and_period(tmp_path: Path) -> None:
    write_chips(cut_chips([composite_at(tmp_path)], mine_and_speck(tmp_path), SETTINGS), tmp_path / "chips")
    labels = table(tmp_path / "chips" / LABELS)
    (mine,) = labels[labels["label"] == "1"].to_dict("records")
    assert float(mine["mine_share"]) == pytest.approx(100 / 256, abs=1e-5)
    assert (mine["region"], mine["start"], mine["end"]) == ("north", "2022-01-03", "2022-02-02")
    assert set(labels.loc[labels["label"] == "0", "category"]) == {""}


def test_what_got_no_label_is_listed_with_the_reason(tmp_path: Path) -> None:
    empty = np.zeros((64, 80), dtype=bool)
    empty[48:, 64:] = True
    composite = composite_at(tmp_path, empty=empty)
    record = write_chips(cut_chips([composite], mine_and_speck(tmp_path), SETTINGS), tmp_path / "chips")
    left_out = table(tmp_path / "chips" / LEFT_OUT)
    assert list(left_out["filename"]) == ["north_r000_c001.tif", ""]
    assert left_out["reason"][0] == "ambiguous: 0.10% of it is mine, more than none and less than a mine needs"
    assert float(left_out["mine_share"][0]) == pytest.approx(25 / 160**2, abs=1e-6)
    assert left_out["reason"][1] == "nodata: 100% of its pixels have none, at most 50% may"
    assert (record.mines, record.others, record.unlabelled, record.left_out) == (1, 17, 1, 2)


def test_chips_say_where_and_when_they_are_from(tmp_path: Path) -> None:
    write_chips(cut_chips([composite_at(tmp_path, clear=7)], mine_and_speck(tmp_path), SETTINGS), tmp_path / "chips")
    with rasterio.open(tmp_path / "chips" / "images" / "north_r001_c002.tif") as chip:
        assert chip.descriptions == BANDS
        assert (chip.crs.to_epsg(), chip.nodata, chip.dtypes[0]) == (32721, 0, "uint16")
        assert chip.transform @ (0, 0) == at(32, 16)
        tags = chip.tags()
        assert (chip.scales[0], chip.offsets[0]) == (0.0001, -0.1)
    assert tags["DATES"] == "2022-01-03 2022-01-13 2022-02-02"
    assert (tags["START"], tags["END"], tags["REGION"], tags["METHOD"]) == (
        "2022-01-03",
        "2022-02-02",
        "north",
        "median",
    )
    assert [tags[f"CLEAR_DATES_{name}"] for name in ("MIN", "MEDIAN", "MAX")] == ["7", "7", "7"]


def test_reflectance_is_read_back_as_it_was_composited(tmp_path: Path) -> None:
    composite = composite_at(tmp_path)
    write_chips(cut_chips([composite], None, SETTINGS), tmp_path / "chips")
    chip = read_chip(tmp_path / "chips" / "unlabelled" / "north_r000_c000.tif", RasterFormat(bands=BANDS))
    with rasterio.open(composite.image) as image:
        numbers = image.read()[:, :16, :16]
    np.testing.assert_allclose(chip.reflectance, numbers / 10_000 - 0.1, atol=1e-6)
    assert chip.reflectance.min() < 0


def test_without_outlines_all_chips_are_unlabelled(tmp_path: Path) -> None:
    record = write_chips(cut_chips([composite_at(tmp_path)], None, SETTINGS), tmp_path / "chips")
    assert len(ChipFolder(tmp_path / "chips" / "unlabelled").filenames) == record.unlabelled == 20
    assert not (tmp_path / "chips" / LABELS).exists()
    assert table(tmp_path / "chips" / LEFT_OUT).empty


def test_places_become_chips_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("name,longitude,latitude\npit,-56.9965,-5.4301\nfar,-50,-5.4\nbad,,\n")
    places = read_places(tmp_path / "places.csv")
    grid = utm_grid(200, 200, top=9_400_500)
    cutting = cut_chips([composite_at(tmp_path, grid=grid)], None, SETTINGS, places)
    write_chips(cutting, tmp_path / "chips")
    assert ChipFolder(tmp_path / "chips" / "unlabelled").filenames == ("north_pit.tif",)
    left_out = table(tmp_path / "chips" / LEFT_OUT)
    assert [reason.split(":")[0] for reason in left_out["reason"]] == ["no place", "outside"]
    assert list(left_out["place"]) == ["bad", "far"]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    composite, outlines = composite_at(tmp_path), mine_and_speck(tmp_path)
    for name in ("a", "b"):
        write_chips(cut_chips([composite], outlines, SETTINGS), tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_record_tells_what_was_cut_and_how(tmp_path: Path) -> None:
    record = write_chips(cut_chips([composite_at(tmp_path)], mine_and_speck(tmp_path), SETTINGS), tmp_path / "chips")
    assert read_cutting(tmp_path / "chips") == record
    assert record.settings == SETTINGS
    assert record.composites == {"north": "hash of north"}
    other = write_chips(cut_chips([composite_at(tmp_path)], None, SETTINGS), tmp_path / "other")
    assert other.content_hash != record.content_hash
    assert other.outlines is None


def test_a_folder_that_was_not_cut_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no chips that were cut"):
        read_cutting(tmp_path)
    (tmp_path / RECORD).write_text("{}")
    with pytest.raises(BadInputError, match=r"cutting\.json is no record of cut chips"):
        read_cutting(tmp_path)


def test_chips_that_can_not_be_cut_leave_nothing_behind(tmp_path: Path) -> None:
    composite = composite_at(tmp_path / "composites")
    cutting = cut_chips([composite], None, SETTINGS)
    composite.image.write_bytes(composite.image.read_bytes()[:20_000])
    with pytest.raises(BadInputError, match="make it again"):
        write_chips(cutting, tmp_path / "chips")
    assert [path.name for path in tmp_path.iterdir()] == ["composites"]


def test_a_composite_without_any_clear_pixel_is_told_in_a_sentence(tmp_path: Path) -> None:
    composite = composite_at(tmp_path, empty=np.ones((64, 80), dtype=bool))
    with pytest.raises(BadInputError, match=r"None of the 20 chips can be used \(20 nodata\): allow more dates"):
        write_chips(cut_chips([composite], None, SETTINGS), tmp_path / "chips")


def test_chips_that_are_all_ambiguous_are_told_in_a_sentence(tmp_path: Path) -> None:
    outlines = outlines_in(tmp_path, [square(*at(2, 12), 100)])
    composite = composite_at(tmp_path, grid=utm_grid(16, 16))
    settings = CuttingSettings(size=16, mine_share=0.9)
    with pytest.raises(BadInputError, match=r"None of the 1 chips can be labelled \(1 ambiguous\): lower cutting"):
        write_chips(cut_chips([composite], outlines, settings), tmp_path / "chips")


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(BadInputError, match="can't be written"):
        write_chips(cut_chips([composite_at(tmp_path)], None, SETTINGS), tmp_path / "folder" / "chips")
