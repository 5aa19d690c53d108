"""The written series is a whole, consistent and repeatable catalog."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import odc.stac
import pyogrio
import pyogrio.raw
import pystac
import pytest
import rasterio
import shapely
from rasterio.warp import transform_bounds

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.baseline import harmonise, read_scaling
from mining_the_mines.sentinel2.reflectance import decode
from mining_the_mines.simulation import SeriesSettings, read_series_settings, simulate_archive, write_simulated_series
from mining_the_mines.simulation.stac_catalog import ASSETS
from support.simulated_regions import SERIES, files_of

Item = TypeVar("Item")
#: The smallest archive that there can be.
TINY = SeriesSettings(provinces=("tapajos",), pixels=60, mines=0, dates=1)


@pytest.fixture(scope="module")
def items(small_series: Path) -> list[pystac.Item]:
    return list(pystac.Catalog.from_file(str(small_series / "catalog.json")).get_items(recursive=True))


def pixels(item: pystac.Item, key: str) -> np.ndarray:
    with rasterio.open(item.assets[key].get_absolute_href()) as raster:
        band: np.ndarray = raster.read(1)
    return band


def harmonised(item: pystac.Item, key: str) -> np.ndarray:
    scaling = read_scaling(item.properties, item.assets[key].to_dict())
    assert scaling.conflict is None
    return harmonise(pixels(item, key), scaling)


def by_pass(items: list[pystac.Item]) -> list[list[pystac.Item]]:
    """Items of the same moment together, the first processed first."""
    moments = sorted({(item.datetime, item.properties["proj:code"]) for item in items}, key=str)
    return [
        sorted(
            (item for item in items if (item.datetime, item.properties["proj:code"]) == moment),
            key=lambda item: (item.properties["s2:processing_baseline"], item.bbox),
        )
        for moment in moments
    ]


def test_catalog(small_series: Path, items: list[pystac.Item]) -> None:
    assert len(by_pass(items)) == SERIES.dates * len(SERIES.provinces)
    assert len({item.id for item in items}) == len(items)
    records = list(small_series.rglob("*.json"))
    links = [(path, link["href"]) for path in records for link in json.loads(path.read_text()).get("links", [])]
    assert links
    assert all((path.parent / href).is_file() for path, href in links)  # relative, so that the folder can be moved


def test_assets(items: list[pystac.Item]) -> None:
    for item in items:
        assert set(item.assets) == {key for key, _ in ASSETS.values()} | {"scl"}
        for asset in item.assets.values():
            fields, path = asset.extra_fields, Path(str(asset.get_absolute_href()))
            with rasterio.open(path) as raster:
                assert list(raster.shape) == fields["proj:shape"]
                assert list(raster.transform)[:6] == fields["proj:transform"]
                assert raster.crs.to_epsg() == int(item.properties["proj:code"].removeprefix("EPSG:"))
                assert raster.dtypes[0] == fields["raster:bands"][0]["data_type"]
                assert raster.nodata == fields["raster:bands"][0]["nodata"]
                assert raster.res[0] == fields["gsd"]
            assert path.stat().st_size == fields["file:size"]
            assert fields["file:checksum"] == "1220" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_odc_stac(items: list[pystac.Item]) -> None:
    one_zone = [item for item in items if item.properties["proj:code"] == items[0].properties["proj:code"]]
    cube = odc.stac.load(one_zone, bands=["red", "swir16", "scl"], resolution=10, groupby="solar_day")
    assert cube["red"].shape == (SERIES.dates, SERIES.pixels, SERIES.pixels)
    assert (cube["red"] > 0).any(dim=("y", "x")).all()


def test_reprocessed_scenes(items: list[pystac.Item]) -> None:
    twins = [scenes for scenes in by_pass(items) if scenes[-1].properties["s2:processing_baseline"] == "05.00"]
    assert len(twins) == len(SERIES.provinces)
    for first, again in twins:
        assert first.properties["s2:mgrs_tile"] == again.properties["s2:mgrs_tile"]
        assert first.properties["created"] < again.properties["created"]
        for key in ("blue", "nir09"):
            old, new = harmonised(first, key), harmonised(again, key)
            # Without the offset, negative reflectance was cut off.
            assert np.array_equal(old, np.where(new == 0, 0, np.maximum(new, 1001)))


def test_overlapping_granules(items: list[pystac.Item]) -> None:
    pairs = [scenes[:2] for scenes in by_pass(items) if len({item.properties["s2:mgrs_tile"] for item in scenes}) == 2]
    assert len(pairs) == len(SERIES.provinces)
    for west, east in pairs:
        left, right = pixels(west, "red"), pixels(east, "red")
        overlap = left.shape[1] + right.shape[1] - SERIES.pixels
        assert overlap > 0
        assert np.array_equal(left[:, -overlap:], right[:, :overlap])


def test_swath_edges(items: list[pystac.Item]) -> None:
    cut = [item for item in items if item.properties["s2:nodata_pixel_percentage"] > 0]
    assert cut
    for item in cut:
        unseen = (pixels(item, "scl") == 0).repeat(2, axis=0).repeat(2, axis=1)
        disagreement = (pixels(item, "red") == 0) != unseen
        assert 0.02 < unseen.mean() < 0.9
        assert disagreement.mean() < 0.02


def test_stable_ground(small_series: Path, items: list[pystac.Item]) -> None:
    with rasterio.open(small_series / "truth" / "tapajos.tif") as raster:
        truth, code = decode(raster.read(COMPETITION_BANDS.index("B4") + 1)), f"EPSG:{raster.crs.to_epsg()}"
    for item in items:
        red, classes = harmonised(item, "red"), pixels(item, "scl").repeat(2, axis=0).repeat(2, axis=1)
        ground = np.isin(classes, (4, 5)) & (red > 0)
        if item.properties["proj:code"] == code and red.shape == truth.shape and ground.mean() > 0.2:
            assert abs(np.median(decode(red)[ground] - truth[ground])) < 0.012


def test_truth(small_series: Path) -> None:
    for name in SERIES.provinces:
        with rasterio.open(small_series / "truth" / f"{name}.tif") as raster:
            assert raster.descriptions == COMPETITION_BANDS
            assert (raster.shape, raster.nodata) == ((SERIES.pixels, SERIES.pixels), 0)
            assert (raster.scales[0], raster.offsets[0]) == (0.0001, -0.1)
            reflectance = decode(raster.read())
        assert 0.02 < reflectance.mean() < 0.4


def test_regions(small_series: Path) -> None:
    meta, _, geometries, columns = pyogrio.raw.read(small_series / "regions.geojson")
    assert meta["crs"] == "EPSG:4326"
    names, codes = columns
    assert names.tolist() == list(SERIES.provinces)
    for name, epsg, geometry in zip(names, codes, geometries, strict=True):
        with rasterio.open(small_series / "truth" / f"{name}.tif") as raster:
            assert raster.crs.to_epsg() == epsg
            bounds = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
        assert np.allclose(shapely.from_wkb(geometry).bounds, bounds, atol=1e-5)


def test_mines(small_series: Path) -> None:
    mines = pyogrio.read_dataframe(small_series / "mines.gpkg")
    assert mines.crs.to_epsg() == 4326
    assert list(mines.columns) == ["name", "kind", "region", "area_m2", "geometry"]
    assert mines.geometry.is_valid.all()
    assert mines.groupby("region").size().to_dict() == dict.fromkeys(SERIES.provinces, SERIES.mines)
    for region, own in mines.groupby("region"):
        with rasterio.open(small_series / "truth" / f"{region}.tif") as raster:
            assert np.allclose(own.to_crs(raster.crs).area, own["area_m2"], atol=0.1)


def test_same_seed(small_series: Path, tmp_path: Path) -> None:
    write_simulated_series(tmp_path / "again", SERIES, threads=1)
    assert files_of(tmp_path / "again") == files_of(small_series)


def test_independent_regions(small_series: Path, tmp_path: Path) -> None:
    write_simulated_series(tmp_path / "one", SERIES.model_copy(update={"provinces": ("tapajos",)}))
    alone = {name: content for name, content in files_of(tmp_path / "one").items() if name.endswith(".tif")}
    together = files_of(small_series)
    assert alone
    assert all(together[name] == content for name, content in alone.items())


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"code": "x", "settings": {}}', '{"settings": {"dates": -1}}'])
def test_damaged_record(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "series.json").write_text(text)
    assert read_series_settings(tmp_path) is None


def test_interruption_leaves_nothing(tmp_path: Path) -> None:
    def give_up(regions: Iterable[Item], _description: str, /) -> Iterator[Item]:
        for region in regions:
            yield region
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_simulated_series(tmp_path / "simulated", TINY, progress=give_up)
    assert list(tmp_path.iterdir()) == []


def test_archive_is_made_once(tmp_path: Path) -> None:
    simulate_archive(tmp_path / "simulated", TINY)
    made = (tmp_path / "simulated" / "catalog.json").stat().st_mtime_ns
    simulate_archive(tmp_path / "simulated", TINY)
    assert (tmp_path / "simulated" / "catalog.json").stat().st_mtime_ns == made
    simulate_archive(tmp_path / "simulated", TINY.model_copy(update={"seed": 1}))
    assert (tmp_path / "simulated" / "catalog.json").stat().st_mtime_ns != made


def test_other_data(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("mine")
    with pytest.raises(BadInputError, match="not simulated, and they are not replaced"):
        simulate_archive(tmp_path, TINY)
    assert (tmp_path / "labels.csv").is_file()


def test_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "simulated").write_text("a file")
    with pytest.raises(BadInputError, match=r"simulated is a file"):
        write_simulated_series(tmp_path / "simulated", SERIES)
