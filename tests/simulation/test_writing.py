"""The written data set is whole, consistent and repeatable."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import rasterio
import shapely
from rasterio.features import geometry_mask
from rasterio.warp import transform

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.simulation import SimulationSettings, read_simulation_settings, write_simulated_chips
from mining_the_mines.simulation.writing import PlaceRecords, plan_region, share_out
from simulation.regions import SMALL, files_of, labels_of


def test_labels_and_images_belong_together(small_set: Path) -> None:
    images = {path.name for path in (small_set / "images").iterdir()}
    assert images == {row["filename"] for row in labels_of(small_set)}
    assert len(images) == SMALL.chips


def test_the_asked_share_of_chips_shows_a_mine(small_set: Path) -> None:
    assert sum(row["label"] == "1" for row in labels_of(small_set)) == 3


def test_unlabelled_chips_are_there_and_in_no_table(small_set: Path) -> None:
    assert len(list((small_set / "unlabelled").glob("*.tif"))) == SMALL.unlabelled
    assert not any("unlabelled" in row["filename"] for row in labels_of(small_set))


def test_chips_are_packed_as_sentinel2_reflectance(small_set: Path) -> None:
    for path in (small_set / "images").iterdir():
        with rasterio.open(path) as chip:
            assert chip.descriptions == COMPETITION_BANDS
            assert (chip.dtypes[0], chip.nodata, chip.shape) == ("uint16", 0, (32, 32))
            pixels = chip.read()
        assert pixels.min() > 0
        assert 200 < pixels.mean() < 5000


def test_coordinates_are_those_of_the_chips_centre(small_set: Path) -> None:
    for row in labels_of(small_set):
        with rasterio.open(small_set / "images" / row["filename"]) as chip:
            box, crs = chip.bounds, chip.crs
        x, y = transform("EPSG:4326", crs, [float(row["longitude"])], [float(row["latitude"])])
        assert x[0] == pytest.approx((box.left + box.right) / 2, abs=1)
        assert y[0] == pytest.approx((box.bottom + box.top) / 2, abs=1)


def test_each_place_is_one_group(small_set: Path) -> None:
    assert len({row["group"] for row in labels_of(small_set)}) == SMALL.places


def _outlines(folder: Path) -> Iterator[tuple[str, shapely.MultiPolygon, float]]:
    for layer, _ in pyogrio.list_layers(folder / "mines.gpkg"):
        meta, _, geometries, columns = pyogrio.raw.read(folder / "mines.gpkg", layer=layer)
        assert meta["crs"] == "EPSG:" + layer.removeprefix("mines_")
        values = dict(zip(meta["fields"], columns, strict=True))
        shapes = shapely.from_wkb(geometries)
        yield from zip(values["filename"], shapes, values["area_in_chip_m2"], strict=True)


def test_outlines_are_valid_and_lie_on_every_mine_chip(small_set: Path) -> None:
    outlines = list(_outlines(small_set))
    assert all(shape.is_valid and shape.area > 0 for _, shape, _ in outlines)
    mines = {row["filename"] for row in labels_of(small_set) if row["label"] == "1"}
    assert {filename for filename, _, _ in outlines} == mines


def test_the_area_in_a_chip_is_that_of_the_mask(small_set: Path) -> None:
    for filename, shape, area in _outlines(small_set):
        with rasterio.open(small_set / "images" / filename) as chip:
            mask = geometry_mask([shape], chip.shape, chip.transform, invert=True)
        assert mask.sum() * 100 == pytest.approx(area, rel=0.2, abs=600)


def test_no_mine_reaches_into_a_chip_without_label(small_set: Path) -> None:
    outlines = [shape for _, shape, _ in _outlines(small_set)]
    for row in labels_of(small_set):
        if row["label"] == "0":
            with rasterio.open(small_set / "images" / row["filename"]) as chip:
                frame = shapely.box(*chip.bounds)
            assert sum(frame.intersection(shape).area for shape in outlines) < 400


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(small_set: Path, tmp_path: Path) -> None:
    write_simulated_chips(tmp_path / "again", SMALL, threads=1)
    assert files_of(tmp_path / "again") == files_of(small_set)


def test_another_seed_gives_another_landscape(small_set: Path, tmp_path: Path) -> None:
    write_simulated_chips(tmp_path / "other", SMALL.model_copy(update={"seed": 8}))
    assert labels_of(tmp_path / "other") != labels_of(small_set)


def test_progress_sees_every_place(tmp_path: Path) -> None:
    seen = []

    def watch(places: Sequence[Future[PlaceRecords]]) -> Iterator[Future[PlaceRecords]]:
        for place in places:
            seen.append(place)
            yield place

    write_simulated_chips(tmp_path / "simulated", SMALL, progress=watch)
    assert len(seen) == SMALL.places


def test_the_folder_says_what_it_was_made_with(small_set: Path) -> None:
    assert read_simulation_settings(small_set) == SMALL


def test_a_folder_of_another_version_is_not_taken_for_current(tmp_path: Path) -> None:
    (tmp_path / "simulation.json").write_text(json.dumps({"version": -1, "settings": SMALL.model_dump()}))
    assert read_simulation_settings(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "settings": {"chips": -1}}'])
def test_a_folder_with_a_spoilt_record_is_no_simulation(tmp_path: Path, text: str) -> None:
    (tmp_path / "simulation.json").write_text(text)
    assert read_simulation_settings(tmp_path) is None


def test_a_folder_without_record_is_no_simulation(tmp_path: Path) -> None:
    assert read_simulation_settings(tmp_path) is None


def test_an_older_data_set_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "simulated"
    folder.mkdir()
    (folder / "stale.tif").write_bytes(b"old")
    write_simulated_chips(folder, SMALL)
    assert not (folder / "stale.tif").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["simulated"]


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    def give_up(places: Sequence[Future[PlaceRecords]]) -> Iterator[Future[PlaceRecords]]:
        yield places[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_simulated_chips(tmp_path / "simulated", SMALL, progress=give_up)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "simulated").write_text("a file")
    with pytest.raises(BadInputError, match=r"simulated is a file"):
        write_simulated_chips(tmp_path / "simulated", SMALL)


def test_quotas_add_up_to_what_was_asked_for() -> None:
    settings = SimulationSettings()
    quotas = share_out(settings, np.random.default_rng(1))
    assert sum(quota.mines + quota.others for quota in quotas) == settings.chips
    assert sum(quota.mines for quota in quotas) == settings.mine_chips
    assert sum(quota.unlabelled for quota in quotas) == settings.unlabelled


def test_regions_nest_pixels_of_10_20_and_60_metres() -> None:
    for quota in share_out(SimulationSettings(), np.random.default_rng(1)):
        assert plan_region(quota, 64).pixels % 6 == 0
