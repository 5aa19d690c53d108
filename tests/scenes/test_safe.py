"""SAFE folders and ZIPs as scenes."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.download import check_assets
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.safe import find_granules, read_granules
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.bands import BANDS
from mining_the_mines.sentinel2.reflectance import decode
from support.safe_products import TILE, Safe, reflectance, without_offset, write, write_jp2, write_safe, zipped

WANTED = ("B2", "B5", "B8A", "B9", "B12")
REGION = {"here": (-56.0976, -5.4295, -56.0953, -5.4272)}
Reflectance = npt.NDArray[np.float32]


def search(source: Path, mask: str | None = "scl", **changes: object) -> SceneSelection:
    settings = AcquisitionSettings.model_validate(
        {"source": str(source), "regions": REGION, "minimum_dates": 1, **changes}
    )
    return check_assets(select_scenes(settings, WANTED, mask), settings)


def composited(source: Path, folder: Path, mask: str = "scl", **changes: object) -> Reflectance:
    """Composite of all scenes of a source: (bands, 60 m pixels, 60 m pixels)."""
    chosen = search(source, mask, **changes)
    settings = CompositingSettings(mask_asset=mask, minimum_clear_dates=1)
    plans = plan_composites(chosen, WANTED, settings, AcquisitionSettings(source=str(source)))
    (made,) = make_composites(plans, folder / "composites", DaskSettings(workers=1))
    with rasterio.open(made.image) as image:
        found: Reflectance = decode(image.read())[:, 3::6, 3::6]
    return found


def truth() -> npt.NDArray[np.float64]:
    return reflectance()[[list(BANDS).index(band) for band in WANTED]]


def close(found: Reflectance) -> bool:
    """Whether bands of 10 m are exact and those of 20 and 60 m, interpolated, near."""
    return bool(np.allclose(found[0], truth()[0], atol=1e-6) and np.abs(found - truth()).max() < 0.2)


def folder_of(tmp_path: Path) -> Path:
    return write_safe(tmp_path / "my scenes")


def zip_of(tmp_path: Path) -> Path:
    return zipped(folder_of(tmp_path), tmp_path / "zip of mine.ZIP")


@pytest.mark.parametrize("source", [folder_of, zip_of])
def test_numbers_of_a_product(tmp_path: Path, source: Callable[[Path], Path]) -> None:
    assert close(composited(source(tmp_path), tmp_path))


@pytest.mark.parametrize(
    "product",
    [
        without_offset(Safe(baseline="02.14")),
        without_offset(Safe(baseline="99.99")),
        Safe(baseline="99.99"),
        Safe(baseline="00.01"),
        Safe(offsets={**dict.fromkeys(BANDS, -1000), "B2": -500}),
    ],
    ids=["old", "own, without", "own, with", "collection 1", "by band"],
)
def test_metadata_decide_about_the_offset(tmp_path: Path, product: Safe) -> None:
    assert close(composited(write_safe(tmp_path, product), tmp_path))


def test_unreadable_metadata(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    product = Safe(document="<?xml version='1.0'?><n1:Level-2A_User_Product/>")
    assert close(composited(write_safe(tmp_path, product), tmp_path))
    assert "has no metadata that can be read: scale and offset" in caplog.text


def test_facts(tmp_path: Path) -> None:
    (item,) = read_granules(write_safe(tmp_path))
    facts = SceneFacts.of(item.to_dict())
    assert (facts.item, facts.baseline, facts.tile, facts.platform) == (Safe().name, "05.10", TILE, "sentinel-2b")
    assert (facts.when, facts.cloud_cover, item.collection_id) == ("2023-08-15T14:03:30Z", 12.5, "sentinel-2-l2a")


def test_finest_images_of_bands_alone(tmp_path: Path) -> None:
    (item,) = read_granules(write_safe(tmp_path))
    assert sorted(item.assets) == sorted(
        [f"{band}_{facts.resolution}m" for band, facts in BANDS.items() if band != "B10"]
        + ["SCL_20m", "MSK_CLDPRB_60m"]
    )


def test_product_of_20_m_alone(tmp_path: Path) -> None:
    fine = tuple(end for end in Safe().images if end.endswith("10m"))
    (item,) = read_granules(write_safe(tmp_path, Safe(lacking=fine)))
    assert "B2_20m" in item.assets


@pytest.mark.parametrize("place", ["", "MTD_MSIL2A.xml", "manifest.safe", "GRANULE"])
def test_any_place_in_a_product_names_it(tmp_path: Path, place: str) -> None:
    safe = write_safe(tmp_path)
    assert find_granules(safe / place) == [(Safe().name, str(safe))]


def test_renamed_folder(tmp_path: Path) -> None:
    safe = write_safe(tmp_path, name="scene 1")
    assert find_granules(safe) == [(Safe().name, str(safe))]


def test_image_is_no_product(tmp_path: Path) -> None:
    safe = write_safe(tmp_path)
    assert find_granules(next(safe.rglob("*_B02_10m.jp2"))) == []


def test_granules_of_an_old_product(tmp_path: Path) -> None:
    old = Safe("1C", "02.04", None, tiles=(TILE, "21MTM"))
    safe = write_safe(tmp_path, old)
    found = find_granules(safe)
    assert [name for name, _ in found] == [f"{old.name}_T21MTM", f"{old.name}_T{TILE}"]
    items = [item for _, address in found for item in read_granules(Path(address))]
    assert [item.id for item in items] == [name for name, _ in found]
    assert items[0].bbox != items[1].bbox


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("S2A_MSIL2A_20190605T104026_N0212_R008_T21MTN_20190605T120000", "2019-06-05T10:40:26Z"),
        ("S2A_USER_PRD_MSIL2A_PDMC_20151206T151212_R008_V20151128T110422_20151128T110422", "2015-11-28T11:04:22Z"),
    ],
)
def test_time_in_a_name(tmp_path: Path, name: str, when: str) -> None:
    image = tmp_path / f"{name}.SAFE" / "GRANULE" / "L2A" / "IMG_DATA" / "R10m" / "S2A_USER_T21MTN_B02_10m.jp2"
    write_jp2(image, np.ones((24, 24), np.uint16), 10)
    (item,) = read_granules(tmp_path / f"{name}.SAFE")
    assert SceneFacts.of(item.to_dict()).when == when


def test_folder_of_products(tmp_path: Path) -> None:
    write_safe(tmp_path / "2023" / "08", Safe(day=1))
    zipped(write_safe(tmp_path / "elsewhere", Safe(day=6)), tmp_path / "2023" / "b.zip")
    (tmp_path / "2023" / "notes.zip").write_bytes(zipped(tmp_path / "2023" / "08", tmp_path / "n").read_bytes()[:90])
    chosen = search(tmp_path / "2023")
    assert [item["id"] for item in chosen.items["here"]] == [Safe(day=1).name, Safe(day=6).name]
    (row,) = chosen.left_out.to_dict("records")
    assert row["item"] == "notes.zip"
    assert "can't be read as a ZIP" in row["reason"]


def test_level_1c_is_another_collection(tmp_path: Path) -> None:
    write_safe(tmp_path, Safe("1C"))
    with pytest.raises(SceneError, match=r"no products of the collection sentinel-2-l2a, but of sentinel-2-l1c: name"):
        search(tmp_path)


def test_level_1c_without_mask(tmp_path: Path) -> None:
    write_safe(tmp_path, Safe("1C"))
    with pytest.raises(SceneError, match=r"no mask scl: .* compositing\.mask_asset"):
        search(tmp_path, collection="sentinel-2-l1c")


def test_level_1c_with_a_mask_of_ones_own(tmp_path: Path) -> None:
    safe = write_safe(tmp_path, Safe("1C"))
    cloud = np.zeros((24, 24), np.uint8)
    cloud[:12] = 1
    write_jp2(safe / f"T{TILE}_20230815T140051_clouds.jp2", cloud, 10)
    found = composited(safe, tmp_path, mask="clouds", collection="sentinel-2-l1c")
    assert np.isnan(found[:, :2]).all()
    assert np.allclose(found[0, 2:], truth()[0, 2:], atol=1e-6)


def test_zip_cut_off(tmp_path: Path) -> None:
    path = zip_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(
        SceneError, match=r"zip of mine\.ZIP can't be read as a ZIP .*: the download is cut off .* again"
    ):
        read_granules(path)


def test_missing_image(tmp_path: Path) -> None:
    safe = write_safe(tmp_path, Safe(lacking=("B05_20m", "B05_60m")))
    with pytest.raises(SceneError, match=r"B5_20m can't be read: missing: there is no such file"):
        search(safe)


def test_image_cut_off(tmp_path: Path) -> None:
    safe = write_safe(tmp_path)
    image = next(safe.rglob("*_B05_20m.jp2"))
    image.write_bytes(image.read_bytes()[:-20])
    with pytest.raises(SceneError, match=r"B5_20m can't be read: cut off: its \d+ bytes end before the image does"):
        search(safe)


def test_product_without_images(tmp_path: Path) -> None:
    write(tmp_path / "X.SAFE" / "MTD_MSIL2A.xml", "<a/>")
    with pytest.raises(SceneError, match=r"X\.SAFE holds no image of a band: the download is incomplete; fetch"):
        read_granules(tmp_path / "X.SAFE")


def test_special_values_of_others(tmp_path: Path) -> None:
    safe = write_safe(tmp_path)
    document = safe / "MTD_MSIL2A.xml"
    write(document, document.read_text().replace("INDEX>0<", "INDEX>7<"))
    with pytest.raises(SceneError, match="marks NODATA by the number 7"):
        read_granules(safe)


def test_products_are_read_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "rasterio"):
        composited(folder_of(tmp_path), tmp_path)
    assert [record.message for record in caplog.records if record.name.startswith("rasterio")] == []
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
