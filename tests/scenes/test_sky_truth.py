"""Composites of a simulated series are closer to the cloud-free ground than its best date."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.scenes.composites import RegionPlan, make_composites, plan_composites
from mining_the_mines.scenes.compositing import composite_block
from mining_the_mines.scenes.grids import middle_longitude
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.scene_list import ItemJson
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import NO_MASK, AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.reflectance import NODATA, decode
from mining_the_mines.simulation import SeriesSettings, write_simulated_series

SERIES = SeriesSettings(provinces=("tapajos",), pixels=120, mines=2, dates=8, seed=7)
Numbers = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Seen:
    """A region three times, each as digital numbers (bands, height, width) on one grid."""

    truth: Numbers
    composite: Numbers
    best_date: Numbers


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    folder = tmp_path_factory.mktemp("series")
    archive, made = folder / "archive", folder / "composites"
    write_simulated_series(archive, SERIES)
    acquisition = AcquisitionSettings(regions={}).of_archive(archive)
    choice = select_scenes(acquisition, COMPETITION_BANDS, "scl")
    plans = plan_composites(choice, COMPETITION_BANDS, CompositingSettings(), acquisition)
    composites = make_composites(plans, made, DaskSettings())
    return {
        plan.region.name: Seen(
            truth=pixels(archive / "truth" / f"{plan.region.name}.tif"),
            composite=pixels(composite.image),
            best_date=as_seen(clearest_day(plan)),
        )
        for plan, composite in zip(plans, composites, strict=True)
    }


def pixels(path: Path) -> Numbers:
    with rasterio.open(path) as raster:
        numbers: Numbers = raster.read()
    return numbers


def clearest_day(plan: RegionPlan) -> RegionPlan:
    """The scenes of the day with most clear pixels, by the same mask as the composite's."""
    days: dict[date, list[ItemJson]] = defaultdict(list)
    for item in plan.items:
        days[SceneFacts.of(item).day(middle_longitude(plan.grid))].append(item)
    alone = [replace(plan, items=tuple(items)) for items in days.values()]
    return max(alone, key=lambda day: int(composite_block(day.stack, day.grid, day.settings).clear_dates.sum()))


def as_seen(plan: RegionPlan) -> Numbers:
    """A day with the clouds that are in it."""
    unmasked = replace(plan, settings=plan.settings.model_copy(update={"mask_asset": NO_MASK}))
    return composite_block(unmasked.stack, plan.grid, unmasked.settings).numbers


def errors(image: Numbers, seen: Seen) -> npt.NDArray[np.float64]:
    """Root mean square error of reflectance, a number a band, over all pixels that both pictures have data of."""
    both = ((seen.composite != NODATA) & (seen.best_date != NODATA)).all(axis=0)
    off = decode(image[:, both]).astype(np.float64) - decode(seen.truth[:, both])
    squares: npt.NDArray[np.float64] = (off**2).mean(axis=1)
    return np.sqrt(squares)


@pytest.mark.parametrize("region", SERIES.provinces)
def test_composite_against_best_date(regions: dict[str, Seen], region: str) -> None:
    seen = regions[region]
    composite, best_date = errors(seen.composite, seen), errors(seen.best_date, seen)
    told = (
        f"{band} {ours:.4f} where the best date has {theirs:.4f}"
        for band, ours, theirs in zip(COMPETITION_BANDS, composite, best_date, strict=True)
    )
    assert (composite < best_date).all(), f"errors of the composite of {region}: {'; '.join(told)}"
