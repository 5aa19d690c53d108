"""A simulated archive of regions whose ground changes: scenes, and true outlines of mines by date."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import rasterio

from mining_the_mines.core.code_hash import code_hash
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.geopackage import write_layer
from mining_the_mines.simulation.changes import Span
from mining_the_mines.simulation.changing_landscape import ChangingLandscape, ChangingPlan, build_changing_landscape
from mining_the_mines.simulation.pass_products import write_pass
from mining_the_mines.simulation.passes import Pass, plan_passes
from mining_the_mines.simulation.places import place_in
from mining_the_mines.simulation.series import (
    NO_EFFECT,
    archive_draft,
    keep_or_write,
    simulate_regions,
    write_surroundings,
)
from mining_the_mines.simulation.settings import ChangingSeriesSettings
from mining_the_mines.simulation.timed_ground import NEVER

#: Dates of a region in work at once; the result does not depend on it.
_THREADS: Final = 2

#: A region through time, and its scenes.
ChangingRegion = tuple[ChangingLandscape, list[pystac.Item]]


def simulate_changing_archive(
    folder: Path, settings: ChangingSeriesSettings, progress: Progress = silent
) -> dict[str, Any]:
    """Simulate an archive of regions that change, unless the folder holds it already.

    The folder appears complete or not at all, and replaces an older simulated archive. It holds the catalog, regions,
    permits and record of :func:`~mining_the_mines.simulation.series.write_simulated_series`, and

    - ``mines.gpkg``: true polygons of the mines by date in degrees of WGS 84, one row per mine and outline: ``name``,
      ``kind``, ``region``; ``opened`` and ``closed``, the mine's first day and the day on which it fell idle (missing
      while it is worked); ``valid_from`` and ``valid_to``, first and last day of the outline (missing while it holds);
      ``area_m2``. Outlines of an idle mine shrink while it greens over.
    - ``changes.gpkg``: what changes and is no mine, one row per change: ``name``, ``kind``, ``region``, ``opened``,
      ``area_m2``.

    Args:
        folder: Destination.
        settings: Settings of the simulation.
        progress: Shows the regions.

    Returns:
        The record of the archive: its settings, and a hash of the code that made it.

    Raises:
        BadInputError: The folder holds data that were not simulated, which are never replaced, or can't be written.
    """
    record = {"code": code_hash(__name__, NO_EFFECT), "settings": settings.model_dump(mode="json")}
    keep_or_write(folder, record, lambda: _write(folder, settings, record, progress))
    return record


def _write(folder: Path, settings: ChangingSeriesSettings, record: dict[str, Any], progress: Progress) -> None:
    with archive_draft(folder) as draft:
        simulate = partial(_simulate_region, draft, settings=settings)
        regions = simulate_regions(settings.provinces, simulate, progress, threads=1)
        last = settings.seasons[-1].end.toordinal()
        grounds = [(replace(region.base, mines=region.mines_at(last)), items) for region, items in regions]
        write_surroundings(draft, grounds, settings.seed, record)
        span = _span(settings)
        mines = pd.concat([_mines_of(region, span) for region, _ in regions], ignore_index=True)
        write_layer(gpd.GeoDataFrame(mines), draft / "mines.gpkg", "mines")
        changes = pd.concat([_changes_of(region) for region, _ in regions], ignore_index=True)
        write_layer(gpd.GeoDataFrame(changes), draft / "changes.gpkg", "changes")


def plan_changing_landscape(province: str, settings: ChangingSeriesSettings) -> ChangingLandscape:
    """Lay out a region of an archive and everything that will happen to it.

    Args:
        province: Name of the region.
        settings: Settings of the simulation.

    Returns:
        The region.
    """
    rng = np.random.default_rng(_stream(province, settings).spawn(1)[0])
    seasons = settings.seasons
    early = seasons[-1].start.toordinal() + (seasons[-1].end - seasons[-1].start).days // 3
    plan = ChangingPlan(
        pixels=settings.pixels,
        slots=settings.slots,
        old=settings.old_mines,
        new=settings.new_mines,
        changes=settings.changes,
        span=_span(settings),
        openings=Span(min(seasons[0].end.toordinal() + 1, early), early),
    )
    return build_changing_landscape(place_in(province, rng), plan, rng)


def _stream(province: str, settings: ChangingSeriesSettings) -> np.random.SeedSequence:
    # The last number separates the region from that of an archive that stays as it is.
    return np.random.SeedSequence([settings.seed, zlib.crc32(province.encode()), 1])


def _span(settings: ChangingSeriesSettings) -> Span:
    return Span(settings.seasons[0].start.toordinal(), settings.seasons[-1].end.toordinal())


def _simulate_region(folder: Path, province: str, settings: ChangingSeriesSettings) -> ChangingRegion:
    region = plan_changing_landscape(province, settings)
    _, *streams = _stream(province, settings).spawn(1 + len(settings.seasons))
    passes: list[tuple[Pass, np.random.Generator]] = []
    for series, stream in zip(settings.static_series(), streams, strict=True):
        season, *dates = (np.random.default_rng(child) for child in stream.spawn(1 + series.dates))
        passes += zip(plan_passes(region.base.place, series, season), dates, strict=True)

    def observe(one: Pass, rng: np.random.Generator) -> list[pystac.Item]:
        # One GDAL environment for the whole pass, not a new one for every call.
        with rasterio.Env():
            return write_pass(folder, region.at(one.moment.date().toordinal()), one, rng)

    with ThreadPoolExecutor(_THREADS) as pool:
        products = list(pool.map(observe, *zip(*passes, strict=True)))
    return region, [item for items in products for item in items]


def _mines_of(region: ChangingLandscape, span: Span) -> gpd.GeoDataFrame:
    rows = [
        (f"{region.base.place.name}_{number:02d}", mine, state)
        for number, mine in enumerate(region.mines)
        for state in mine.states(span.first, span.last)
    ]
    outlines = [region.base.on_map(state.outline) for _, _, state in rows]
    attributes = {
        "name": [name for name, _, _ in rows],
        "kind": [mine.mine.kind.value for _, mine, _ in rows],
        "region": region.base.place.name,
        "opened": _dates([mine.life.opened for _, mine, _ in rows]),
        "closed": _dates([mine.life.closed for _, mine, _ in rows]),
        "valid_from": _dates([state.first for _, _, state in rows]),
        "valid_to": _dates([state.last for _, _, state in rows]),
        "area_m2": [round(outline.area, 1) for outline in outlines],
    }
    return gpd.GeoDataFrame(attributes, geometry=outlines, crs=region.base.crs).to_crs(4326)


def _changes_of(region: ChangingLandscape) -> gpd.GeoDataFrame:
    outlines = [region.base.on_map(change.outline()) for change in region.changes]
    attributes = {
        "name": [f"{region.base.place.name}_change_{number:02d}" for number in range(len(outlines))],
        "kind": [change.kind.value for change in region.changes],
        "region": region.base.place.name,
        "opened": _dates([change.opened for change in region.changes]),
        "area_m2": [round(outline.area, 1) for outline in outlines],
    }
    return gpd.GeoDataFrame(attributes, geometry=outlines, crs=region.base.crs).to_crs(4326)


def _dates(days: list[int]) -> pd.Series:
    moments = [pd.NaT if day >= NEVER else pd.Timestamp(date.fromordinal(day)) for day in days]
    return pd.Series(moments, dtype="datetime64[ms]")
