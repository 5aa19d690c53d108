"""Segmentation from end to end on real polygons and real Sentinel-2 chips."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely

from support.projects import SMALL, copy_project, newest, run

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_chips]

CHIPS, SEGMENTED = 79, 10
#: Equal-area on the ellipsoid (J. H. Lambert, 1772).
EQUAL_AREA = "+proj=cea +datum=WGS84 +units=m"
#: Two epochs of a small network that sees a seventh of the pixels.
QUICK: dict[str, Any] = {
    "folds": {"folds": 2},
    "segmentation": {
        "windows": {"cut": "chip", "crop": None},
        "training": {
            **SMALL["segmentation"]["training"],
            "network": {**SMALL["segmentation"]["training"]["network"], "architecture": "unet", "resolution": 0.15},
            "networks": 1,
            "batch_size": 8,
        },
        "evaluation": SMALL["segmentation"]["evaluation"],
    },
    "reporting": SMALL["reporting"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, real_chips: Path) -> Path:
    """A project that has learnt from the tailings, and segmented some of them."""
    project = copy_project(tmp_path_factory.mktemp("tailings") / "project")
    raw, some = real_chips / "tailings_dams", project / "some chips"
    some.mkdir()
    for path in sorted((raw / "images").iterdir())[:SEGMENTED]:
        (some / path.name).symlink_to(path.resolve())
    run(project, ["segmentation"], env="tailings_dams", parameters={**QUICK, "raw_root": str(raw), "chips": str(some)})
    return project


def table(project: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(newest(project, name)).sort_values("filename", ignore_index=True)


def polygons_on_chips(folder: Path, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Hectares of the polygons on each chip, and metres of their rims there: without the package."""
    tailings = shapely.union_all(pyogrio.read_dataframe(folder / "tailings.gpkg").to_crs("EPSG:4326").geometry)
    shown = []
    for name in names:
        with rasterio.open(folder / "images" / name) as chip:
            shown.append(tailings & shapely.box(*chip.bounds))
    flat = gpd.GeoSeries(shown, crs="EPSG:4326").to_crs(EQUAL_AREA)
    return flat.area.to_numpy() / 10_000, flat.length.to_numpy()


def test_every_chip_has_a_mask_on_its_own_grid(project: Path, real_chips: Path) -> None:
    rasters = sorted((project / "data/tailings_dams/03_primary/masks/rasters").iterdir())
    images = sorted((real_chips / "tailings_dams/images").iterdir())
    assert [path.name for path in rasters] == [path.name for path in images]
    assert len(rasters) == CHIPS
    for raster, image in zip(rasters, images, strict=True):
        with rasterio.open(raster) as mask, rasterio.open(image) as chip:
            assert (mask.crs, mask.transform, mask.shape) == (chip.crs, chip.transform, chip.shape)


def test_hectares_of_masks_are_those_of_the_polygons_to_within_their_rim(project: Path, real_chips: Path) -> None:
    masks = table(project, "mask_table.csv")
    hectares, rims = polygons_on_chips(real_chips / "tailings_dams", masks["filename"].tolist())
    assert (masks["verdict"] == "accepted").all()
    assert (hectares > 0).sum() > CHIPS / 2
    # Each pixel of 10 m that the rim crosses may be wrong by half of itself; some of it lies in unknown pixels.
    assert (np.abs(masks["mine_hectares"] - hectares) <= rims * 10 / 2 / 10_000 + 0.01).all()
    assert masks["mine_hectares"].sum() == pytest.approx(hectares.sum(), rel=0.005)


def test_all_polygons_of_the_file_are_listed_and_used(project: Path) -> None:
    inventory = pd.read_csv(newest(project, "polygon_inventory.csv"))
    assert len(inventory) == 86
    assert set(inventory["verdict"]) == {"accepted"}


def test_no_group_is_in_two_folds(project: Path, real_chips: Path) -> None:
    groups = pd.read_csv(real_chips / "tailings_dams/chips.csv")[["filename", "group"]]
    folds = table(project, "folds.csv").merge(groups, on="filename")
    assert len(folds) == CHIPS
    assert not folds[["group", "fold"]].drop_duplicates()["group"].duplicated().any()


def test_every_chip_is_scored_out_of_fold(project: Path) -> None:
    chips, masks = table(project, "segmentation_chip_scores.csv"), table(project, "mask_table.csv")
    assert chips["filename"].tolist() == masks["filename"].tolist()
    np.testing.assert_allclose(chips["true_hectares"], masks["mine_hectares"], rtol=1e-6)
    scores = pd.read_csv(newest(project, "segmentation_scores.csv"))
    assert set(scores["split"]) == {"out-of-fold"}
    iou = scores.set_index("metric").loc["iou"]
    assert 0 < iou["low"] <= iou["value"] <= iou["high"] < 1
    assert iou["chips"] == CHIPS


def test_segmentation_of_other_chips(project: Path) -> None:
    folder = newest(project, "segmented_chips")
    found = pd.read_csv(folder / "chips.csv")
    assert found["error"].isna().all()
    for rasters in ("masks", "probabilities"):
        assert {path.name for path in (folder / rasters).iterdir()} == set(found["filename"])
    assert len(found) == SEGMENTED
    layers = {name for name, _ in pyogrio.list_layers(folder / "mine_polygons.gpkg")}
    assert len(layers) == (found["mines"] > 0).sum() > 0


def test_report_is_about_segmentation_alone(project: Path) -> None:
    report = newest(project, "segmentation_report.html").read_text(encoding="utf-8")
    assert "tailings deposits" in report
    assert "hectares" in report
    assert "Is there a mine in a chip?" not in report


def test_nothing_is_trained_for_the_other_task(project: Path) -> None:
    made = {path.name for path in (project / "data/tailings_dams/06_models").iterdir()}
    assert "segmenter" in made
    assert not made & {"classifier", "models", "classification_package"}
