"""Items as archives and people really write them: every number comes out right, with a doubt, or not at all."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pystac
import pytest
import rasterio

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.composite_files import Composite, NoCompositeError
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.search import open_item
from mining_the_mines.scenes.selection import find_replaced, select_from, select_scenes
from mining_the_mines.scenes.settings import CompositingSettings
from support.observed_requests import IMPATIENT, Observation, choice_of, clear, flat, write_scene
from support.stac_catalogs import BANDS, Scene, region, settings, write_catalog, write_json

Pixels = npt.NDArray[Any]


def composite(tmp_path: Path, items: list[pystac.Item], band: str = "B2", offset: float | None = None) -> Composite:
    """The composite of scenes that have one band."""
    access = IMPATIENT.model_copy(update={"offset": offset})
    plans = plan_composites(choice_of(items), (band,), CompositingSettings(), access)
    (made,) = make_composites(plans, tmp_path / "composites", DaskSettings(workers=1))
    return made


def reflectance(made: Composite) -> Pixels:
    """Reflectance of its first band, NaN without data."""
    with rasterio.open(made.image) as image:
        numbers: Pixels = image.read(1).astype(np.float64)
    numbers[numbers == 0] = np.nan
    return numbers / 10_000 - 0.1


def scene(tmp_path: Path, pixels: Pixels, baseline: str = "03.01", **tags: Any) -> pystac.Item:
    """A scene of one blue band."""
    item = write_scene(tmp_path, "s", Observation({"blue": pixels}, clear(), baseline=baseline))
    path = item.assets["blue"].href
    with rasterio.open(path) as image:
        profile = {**image.profile, "dtype": pixels.dtype, **tags}
    with rasterio.open(path, "w", **profile) as image:
        image.write(pixels, 1)
    return item


def blue(item: pystac.Item) -> dict[str, Any]:
    """Fields of the blue band."""
    return item.assets["blue"].extra_fields


PATTERN = np.arange(1, 96 * 96 + 1, dtype=np.uint16).reshape(96, 96)


@pytest.mark.parametrize(
    ("asset", "properties", "told"),
    [
        ({}, {"proj:transform": [60, 0, 600_000, 0, -60, 9_300_000], "proj:shape": [16, 16]}, "pixels of 60, and the"),
        ({"proj:transform": [10, 0, 700_000, 0, -10, 9_300_000]}, {}, "proj:transform"),
        ({"proj:shape": [1830, 1830]}, {}, "proj:shape is"),
        ({}, {"proj:code": "EPSG:32722"}, "proj:code says EPSG:32722, and the file EPSG:32721"),
        ({"proj:transform": [600_000, 10, 0, 9_300_000, 0, -10]}, {}, None),
        ({"gsd": 60}, {"proj:code": None}, None),
    ],
)
def test_files_are_believed(
    tmp_path: Path, asset: dict[str, Any], properties: dict[str, Any], told: str | None
) -> None:
    item = scene(tmp_path, PATTERN)
    if not asset:
        for field in ("proj:transform", "proj:shape"):
            del blue(item)[field]
    blue(item).update(asset)
    item.properties.update(properties)
    made = composite(tmp_path, [item])
    np.testing.assert_allclose(reflectance(made), PATTERN / 10_000, atol=1e-9)
    notes = " ".join(made.notes)
    assert (told in notes and "the files are believed" in notes) if told else "believed" not in notes


def test_bands_that_are_too_coarse(tmp_path: Path) -> None:
    made = composite(tmp_path, [scene(tmp_path, flat(500, 48))])
    assert any("larger than Sentinel-2's (B2 20 m)" in note for note in made.notes)


@pytest.mark.parametrize("baseline", ["99.99", "97.03", "00.01"])
@pytest.mark.parametrize(
    ("properties", "asset", "offset", "expected"),
    [
        ({}, {}, None, 0.0),
        ({}, {}, -0.1, -0.1),
        ({"s2:boa_add_offset": -1000}, {}, None, -0.1),
        ({"s2:BOA_ADD_OFFSET": ["-1000", "-1000"]}, {}, 0.0, -0.1),
        ({}, {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]}, 0.0, -0.1),
        ({"raster:scale": 0.0001, "raster:offset": -0.1}, {}, None, -0.1),
        ({}, {"bands": [{"raster:scale": 0.0001, "raster:offset": 0}]}, -0.1, 0.0),
    ],
)
def test_baselines_of_own_processing(
    tmp_path: Path,
    baseline: str,
    properties: dict[str, Any],
    asset: dict[str, Any],
    offset: float | None,
    expected: float,
) -> None:
    item = scene(tmp_path, flat(1500), baseline)
    item.properties.update(properties)
    blue(item).update(asset)
    made = composite(tmp_path, [item], offset=offset)
    np.testing.assert_allclose(reflectance(made), 0.15 + expected, atol=1e-9)
    silent = properties or asset or offset is not None
    assert any("acquisition.offset" in note for note in made.notes) is not bool(silent)


def test_own_processing_is_not_the_newest() -> None:
    esa, own = (
        SceneFacts.of(Scene(baseline=baseline, properties={"created": created}).item())
        for baseline, created in (("05.10", "2023-01-01"), ("99.99", "2025-01-01"))
    )
    assert find_replaced([own, esa]) == {own.item: (esa.item,)}


@pytest.mark.parametrize(
    ("tags", "asset", "missing"),
    [
        ({"nodata": -999}, {}, -999),
        ({"nodata": None}, {"raster:bands": [{"nodata": -999}]}, -999),
        ({"nodata": None}, {"bands": [{"nodata": -9999}]}, -9999),
        ({"nodata": None}, {}, -9999),
        ({"nodata": None}, {}, -32768),
        ({"nodata": None}, {}, 0),
    ],
)
def test_signed_numbers(tmp_path: Path, tags: dict[str, Any], asset: dict[str, Any], missing: int) -> None:
    pixels = np.full((96, 96), 1200, np.int16)
    pixels[:, :10], pixels[:, -10:] = -15, missing
    item = scene(tmp_path, pixels, **tags)
    blue(item).update(asset)
    found = reflectance(composite(tmp_path, [item]))
    np.testing.assert_allclose(found[:, :-10], pixels[:, :-10] / 10_000, atol=1e-9)
    assert np.isnan(found[:, -10:]).all()


def test_zero_of_signed_numbers(tmp_path: Path) -> None:
    made = composite(tmp_path, [scene(tmp_path, np.zeros((96, 96), np.int16), nodata=-999)])
    assert (np.abs(reflectance(made)) < 1e-9).all()


@pytest.mark.parametrize(
    ("factor", "fields"),
    [
        (1, {"raster:bands": [{"scale": 1, "offset": 0}]}),
        (1, {"raster:scale": 1.0}),
        (10_000, {"raster:bands": [{"scale": 0.0001, "offset": 0}]}),
    ],
)
def test_floats(tmp_path: Path, factor: float, fields: dict[str, Any]) -> None:
    pixels = (np.linspace(0.0001, 0.6, 96 * 96).reshape(96, 96) * factor).astype(np.float32)
    pixels[0, 0], pixels[0, 1] = np.nan, np.finfo(np.float32).min
    item = scene(tmp_path, pixels, nodata=None)
    blue(item).update(fields)
    found = reflectance(composite(tmp_path, [item]))
    assert np.isnan(found[0, :2]).all()
    np.testing.assert_allclose(found.flat[2:], pixels.flat[2:] / factor, atol=6e-5)


def test_scale_in_the_tags_of_files(tmp_path: Path) -> None:
    item = scene(tmp_path, flat(1500))
    with rasterio.open(item.assets["blue"].href, "r+") as image:
        image.scales, image.offsets = (0.0001,), (-0.1,)
    made = composite(tmp_path, [item])
    np.testing.assert_allclose(reflectance(made), 0.05, atol=1e-9)
    assert "By the file's tags" in made.notes[0]


@pytest.mark.parametrize(
    ("pixels", "told"),
    [
        (np.ones((96, 96), np.float32), "it holds floats, and neither the file nor its catalog says"),
        (np.ones((96, 96), np.uint8), "its pixels are uint8, and no digital numbers"),
    ],
)
def test_numbers_that_mean_nothing(tmp_path: Path, pixels: Pixels, told: str) -> None:
    with pytest.raises(NoCompositeError, match=f"blue can't be read: {told}"):
        composite(tmp_path, [scene(tmp_path, pixels)])


def test_mask_in_the_file(tmp_path: Path) -> None:
    item = scene(tmp_path, flat(500), nodata=None)
    known = np.ones((96, 96), bool)
    known[:30] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(item.assets["blue"].href, "r+") as image:
        image.write_mask(known)
    found = reflectance(composite(tmp_path, [item]))
    np.testing.assert_array_equal(np.isfinite(found), known)


def test_file_without_coordinates(tmp_path: Path) -> None:
    item = scene(tmp_path, flat(500), crs=None)
    with pytest.raises(NoCompositeError, match="does not say where its pixels lie"):
        composite(tmp_path, [item])


@pytest.mark.parametrize("platform", ["landsat-8", "LANDSAT_9", "planetscope"])
def test_other_sensors(tmp_path: Path, platform: str) -> None:
    catalog = write_catalog(tmp_path, [Scene(properties={"platform": platform})])
    with pytest.raises(SceneError, match=f"1 another sensor .*{platform} has other bands"):
        select_scenes(settings(catalog), BANDS, "scl")


@pytest.mark.parametrize("platform", ["Sentinel-2A", "S2C", "sentinel2b", None])
def test_names_of_the_platform(tmp_path: Path, platform: str | None) -> None:
    scenes = [Scene(day=5 * number, properties={"platform": platform}) for number in range(3)]
    assert len(select_scenes(settings(write_catalog(tmp_path, scenes)), BANDS, "scl").left_out) == 0


def write_item(folder: Path, assets: dict[str, Any]) -> Path:
    """An item with some assets."""
    fields = Scene().item()
    fields["assets"] = assets
    return write_json(folder / "item.json", fields)


@pytest.mark.parametrize(
    ("assets", "told"),
    [
        ({band: {"href": f"./{band}.tif"} for band in ("B02", "B03", "B04")}, "no mask scl.*compositing.mask_asset"),
        ({band: {"href": f"s3://eodata/{band}.jp2"} for band in ("B02", "B03", "B04", "SCL")}, r"buckets \(s3://\)"),
        (
            {band: {"href": f"gs://bucket/{band}.jp2"} for band in ("B02", "B03", "B04", "SCL")},
            "only files and address",
        ),
    ],
)
def test_item_that_can_not_be_mapped(tmp_path: Path, assets: dict[str, Any], told: str) -> None:
    access = settings("")
    source = open_item(str(write_item(tmp_path, assets)), access)
    with pytest.raises(SceneError, match=rf"item\.json can't be used: .*{told}"):
        select_from(source, [region()], BANDS, "scl", access)


def test_mixed_levels(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scenes = [
        Scene(day=5 * number, properties={"processing:level": level})
        for number, level in enumerate(("L2A", "L1C", "2A"))
    ]
    select_scenes(settings(write_catalog(tmp_path, scenes)), BANDS, "scl")
    assert "several processing levels (1 of 1C, 2 of 2A)" in caplog.text


def test_longitudes_up_to_360(tmp_path: Path) -> None:
    scenes = [Scene(day=5 * number, shift=360) for number in range(3)]
    assert len(select_scenes(settings(write_catalog(tmp_path, scenes)), BANDS, "scl").items["tapajos"]) == 3
