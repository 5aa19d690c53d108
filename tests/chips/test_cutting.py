"""Chips cut from composites: labels, reasons, files."""

import logging
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mining_the_mines.chips.cutting import RECORD, CuttingSettings, cut_chips, read_cutting
from mining_the_mines.chips.cutting_files import LABELS, LEFT_OUT
from mining_the_mines.chips.folder import ChipFolder, read_labels
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import MinePolygons, read_mine_polygons
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import RasterFormat
from support.chip_polygons import outlines_in, square, utm_grid
from support.composites import BANDS, at, composite_at

SETTINGS = CuttingSettings(size=16)
LARGE = CuttingSettings(size=512)


def mine_and_speck(folder: Path) -> MinePolygons:
    """A mine on the first chip, and one on the second that is too small for a label."""
    shapes = [square(*at(2, 12), 100), square(*at(20, 12), 5)]
    frame = gpd.GeoDataFrame({"kind": ["pit", "pond"]}, geometry=shapes, crs="EPSG:32721")
    frame.to_file(folder / "mines.gpkg", engine="pyogrio")
    return read_mine_polygons(folder / "mines.gpkg")


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, dtype="str")


@settings(max_examples=10, deadline=None)
@given(edge=st.floats(1, 160), mine=st.floats(0.02, 1), ratio=st.floats(0, 0.99))
def test_label_follows_share(tmp_path_factory: pytest.TempPathFactory, edge: float, mine: float, ratio: float) -> None:
    share = edge**2 / 160**2
    if min(abs(share - mine), abs(share - mine * ratio)) <= 1e-5:
        return
    folder = tmp_path_factory.mktemp("cut")
    cutting = CuttingSettings(size=16, mine_share=mine, clear_share=mine * ratio)
    polygons = outlines_in(folder, [square(*at(0, 16), edge)])
    composite = composite_at(folder, grid=utm_grid(16, 16))
    if mine * ratio < share < mine:
        with pytest.raises(BadInputError, match=r"None of the 1 chips can be labelled \(1 ambiguous\): lower cutting"):
            cut_chips([composite], polygons, cutting, folder / "chips")
        return
    record = cut_chips([composite], polygons, cutting, folder / "chips").record
    assert (record.mines, record.others) == ((1, 0) if share > mine else (0, 1))


def test_folder(tmp_path: Path) -> None:
    folder = cut_chips([composite_at(tmp_path)], mine_and_speck(tmp_path), SETTINGS, tmp_path / "chips").folder
    manifest = take_inventory(ChipFolder(folder / "images", read_labels(folder / LABELS)), ChipSettings(bands=BANDS))
    assert len(manifest) == 19
    assert (manifest["verdict"] == "accepted").all()
    (mine,) = manifest[manifest["label"] == 1].to_dict("records")
    assert (mine["filename"], mine["category"], mine["group"]) == ("north_r000_c000.tif", "pit", "north/r0c0")
    labels = table(folder / LABELS)
    (row,) = labels[labels["label"] == "1"].to_dict("records")
    assert float(row["mine_share"]) == pytest.approx(100 / 256, abs=1e-5)
    assert (row["region"], row["start"], row["end"]) == ("north", "2022-01-03", "2022-02-02")
    assert set(labels.loc[labels["label"] == "0", "category"]) == {""}
    assert ChipFolder(folder / "unlabelled").filenames == ("north_r000_c001.tif",)


def test_reasons(tmp_path: Path) -> None:
    empty = np.zeros((64, 80), dtype=bool)
    empty[48:, 64:] = True
    cut = cut_chips([composite_at(tmp_path, empty=empty)], mine_and_speck(tmp_path), SETTINGS, tmp_path / "chips")
    left_out = table(cut.folder / LEFT_OUT)
    assert list(left_out["filename"]) == ["north_r000_c001.tif", ""]
    assert left_out["reason"][0] == "ambiguous: 0.10% of it is mine, more than none and less than a mine needs"
    assert float(left_out["mine_share"][0]) == pytest.approx(25 / 160**2, abs=1e-6)
    assert left_out["reason"][1] == "nodata: 100% of its pixels have none, at most 50% may"
    record = cut.record
    assert (record.mines, record.others, record.unlabelled, record.left_out) == (1, 17, 1, 2)


def test_mine_under_clouds(tmp_path: Path) -> None:
    empty = np.zeros((16, 32), dtype=bool)
    empty[:8, :8] = True
    composite = composite_at(tmp_path, grid=utm_grid(16, 32), empty=empty)
    cut = cut_chips([composite], outlines_in(tmp_path, [square(*at(1, 7), 50)]), SETTINGS, tmp_path / "chips")
    assert (cut.record.mines, cut.record.others, cut.record.unlabelled) == (0, 1, 1)
    assert "but only 0.00% of it has data" in table(cut.folder / LEFT_OUT)["reason"][0]


def test_image(tmp_path: Path) -> None:
    composite = composite_at(tmp_path, clear=7)
    cut = cut_chips([composite], mine_and_speck(tmp_path), SETTINGS, tmp_path / "chips")
    path = cut.folder / "images" / "north_r001_c002.tif"
    with rasterio.open(path) as chip, rasterio.open(composite.image) as image:
        numbers = image.read()[:, 16:32, 32:48]
        np.testing.assert_array_equal(chip.read(), numbers)
        assert chip.descriptions == BANDS
        assert (chip.crs.to_epsg(), chip.nodata, chip.dtypes[0]) == (32721, 0, "uint16")
        assert chip.transform @ (0, 0) == at(32, 16)
        assert (chip.scales[0], chip.offsets[0]) == (0.0001, -0.1)
        tags = chip.tags()
    assert tags["DATES"] == "2022-01-03 2022-01-13 2022-02-02"
    assert (tags["START"], tags["END"]) == ("2022-01-03", "2022-02-02")
    assert (tags["REGION"], tags["METHOD"]) == ("north", "median")
    assert [tags[f"CLEAR_DATES_{name}"] for name in ("MIN", "MEDIAN", "MAX")] == ["7", "7", "7"]
    reflectance = read_chip(path, RasterFormat(bands=BANDS)).reflectance
    np.testing.assert_allclose(reflectance, numbers / 10_000 - 0.1, atol=1e-6)


def test_no_polygons(tmp_path: Path) -> None:
    cut = cut_chips([composite_at(tmp_path)], None, SETTINGS, tmp_path / "chips")
    assert len(ChipFolder(cut.folder / "unlabelled").filenames) == cut.record.unlabelled == 20
    assert not (cut.folder / LABELS).exists()
    assert table(cut.folder / LEFT_OUT).empty
    assert cut.record.outlines is None


def test_same_bytes(tmp_path: Path) -> None:
    composite, polygons = composite_at(tmp_path), mine_and_speck(tmp_path)
    first, second = (cut_chips([composite], polygons, SETTINGS, tmp_path / name) for name in "ab")
    for path in first.folder.rglob("*.*"):
        assert path.read_bytes() == (second.folder / path.relative_to(first.folder)).read_bytes()
    assert read_cutting(first.folder) == first.record == second.record
    assert first.record.composites == {"north": "hash of north"}
    assert cut_chips([composite], None, SETTINGS, tmp_path / "c").record.content_hash != first.record.content_hash


def test_region_without_polygons(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    south = composite_at(tmp_path, "south", utm_grid(32, 32, top=9_300_000))
    polygons = outlines_in(tmp_path, [square(*at(0, 16), 160)])
    with caplog.at_level(logging.WARNING):
        record = cut_chips([composite_at(tmp_path), south], polygons, SETTINGS, tmp_path / "chips").record
    assert "lies in south: all chips from there are labelled as no mine" in caplog.text
    assert (record.mines, record.others) == (1, 23)  # the mine ends where the next chip begins


def test_faults_of_input(tmp_path: Path) -> None:
    good, target = composite_at(tmp_path), tmp_path / "chips"
    foreign = outlines_in(tmp_path, [square(10, 50, 1)], "EPSG:4326")
    nameless = composite_at(tmp_path / "nameless", bands=("B2", None))
    cloudy = composite_at(tmp_path / "cloudy", empty=np.ones((64, 80), dtype=bool))
    cut_off = composite_at(tmp_path / "cut_off")
    cut_off.clear_dates.write_bytes(cut_off.clear_dates.read_bytes()[:3000])
    (tmp_path / "file").write_text("a file")
    faults: list[tuple[Any, ...]] = [
        ("There is no composite", [], None, SETTINGS, target),
        ("No chip of 512 pixels can be cut .too small: .* choose a smaller", [good], None, LARGE, target),
        ("No polygon in", [good], foreign, SETTINGS, target),
        ("has bands without names", [nameless], None, SETTINGS, target),
        ("None of the 20 chips can be used .20 nodata.: allow more dates", [cloudy], None, SETTINGS, target),
        ("The composite of north can't be read .* make it again", [cut_off], None, SETTINGS, target),
        ("can't be written", [good], None, SETTINGS, tmp_path / "file" / "chips"),
    ]
    for message, *arguments in faults:
        with pytest.raises(BadInputError, match=message):
            cut_chips(*arguments)
    assert not list(tmp_path.glob("*chips*"))  # nothing half written


def test_contradicting_shares_are_refused() -> None:
    with pytest.raises(ValidationError, match="choose a clear_share below mine_share"):
        CuttingSettings(mine_share=0.01, clear_share=0.01)


def test_folder_without_record(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no chips that were cut"):
        read_cutting(tmp_path)
    (tmp_path / RECORD).write_text("{}")
    with pytest.raises(BadInputError, match=r"cutting\.json is no record of cut chips"):
        read_cutting(tmp_path)
