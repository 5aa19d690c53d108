"""Days of images, as rasters tell them."""

from datetime import date
from pathlib import Path

import pytest
import rasterio

from mining_the_mines.rasters.dates import find_dates
from support.scene_files import ground, write_scene

JULY = date(2023, 7, 13)


def tagged(path: Path, domain: str | None = None, **tags: str) -> Path:
    write_scene(path, ground(16, 16))
    with rasterio.open(path, "r+") as image:
        image.update_tags(ns=domain, **tags)
    return path


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("S2A_MSIL2A_20230713T140051_N0509_R067_T21MTN_20230714T001234", [JULY]),
        ("subset_0_of_S2B_MSIL1C_20230713T140051_N0509_R067_T21MTN_20230716T010203_resampled", [JULY]),
        ("T21MTN_20230713T140051_B02_10m", [JULY]),
        ("S2A_21MTN_20230713_0_L2A", [JULY]),
        ("2023-07-13-00_00_2023-07-13-23_59_Sentinel-2_L2A_B02_(Raw)", [JULY]),
        ("tapajos_2023_07_13", [JULY]),
        ("median_2023-07-01_2023-07-31", [date(2023, 7, 1), date(2023, 7, 31)]),
        ("median_20230701_to_20230731", [date(2023, 7, 1), date(2023, 7, 31)]),
        ("scene_20230713_exported_20240105", []),
        ("mosaic_2023-07", []),
        ("site_20231345", []),
        ("plot_20991231_4", []),
        ("export-0000002560-0000002304", []),
        ("id_1202307134", []),
    ],
)
def test_days_of_names(tmp_path: Path, name: str, days: list[date]) -> None:
    assert list(find_dates(tmp_path / f"{name}.tif").days) == days


@pytest.mark.parametrize(
    "tags",
    [
        {"ACQUISITIONDATETIME": "2023-07-13 14:00:51"},
        {"system:time_start": "1689256851000"},
        {"system_time_start": "1689256851000.0"},
        {"DATATAKE_1_DATATAKE_SENSING_START": "2023-07-13T14:00:51.024Z"},
        {"datetime": "2023-07-13T14:00:51Z"},
        {"START": "2023-07-13", "END": "2023-07-13"},
        {"TIFFTAG_DATETIME": "2023:07:13 14:00:51"},
        {"ACQUISITION_DATE": "20230713", "TIFFTAG_DATETIME": "2024:01:05 10:00:00"},
    ],
    ids=lambda tags: next(iter(tags)),
)
def test_days_of_tags(tmp_path: Path, tags: dict[str, str]) -> None:
    found = find_dates(tagged(tmp_path / "scene.tif", **tags))
    assert found.days == (JULY,)
    assert found.where.startswith("tag")


def test_day_of_the_imagery_domain(tmp_path: Path) -> None:
    assert find_dates(tagged(tmp_path / "a.tif", "IMAGERY", ACQUISITIONDATETIME="2023-07-13 14:00:51")).days == (JULY,)


@pytest.mark.parametrize(
    "tags",
    [
        {"TIFFTAG_DATETIME": "2024:01:05 10:00:00", "TIFFTAG_SOFTWARE": "Adobe Photoshop"},
        {"DATE": "13/07/2023"},
        {"DATE": "2009-07-13"},
        {"START": "2023-07-13"},
    ],
    ids=["day of the file", "unclear", "before Sentinel-2", "no end"],
)
def test_tags_without_a_day(tmp_path: Path, tags: dict[str, str]) -> None:
    assert find_dates(tagged(tmp_path / "scene.tif", **tags)).days == ()


def test_contradiction(tmp_path: Path) -> None:
    found = find_dates(tagged(tmp_path / "scene_20230801.tif", ACQUISITION_DATE="2023-07-13"))
    assert found.days == ()
    assert found.where == "tag ACQUISITION_DATE: 2023-07-13, file name: 2023-08-01"
