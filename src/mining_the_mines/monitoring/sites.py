"""Mines of several periods, joined into sites with a history."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.monitoring.linking import Integers
from mining_the_mines.monitoring.period_map import PeriodMap, check_series
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.monitoring.site_register import claim, empty_register, make_register, site_id
from mining_the_mines.monitoring.site_table import SiteStatus, site_table
from mining_the_mines.monitoring.tracks import PENDING, TOUCHING, Tracks

#: Square metres of ground, about a pixel, from which the register follows a site: straight edges bend a little on their
#: way to degrees and back.
_NEW_GROUND: Final = 100.0


@dataclass(frozen=True, eq=False)
class JoinedSites:
    """Sites of all regions.

    Attributes:
        table: A row per site and period, as :mod:`mining_the_mines.monitoring.site_table` describes.
        register: All ids that were ever given, as :mod:`mining_the_mines.monitoring.site_register` describes.
    """

    table: gpd.GeoDataFrame
    register: gpd.GeoDataFrame


def join_sites(
    maps: Sequence[PeriodMap],
    settings: SiteSettings,
    confirmation: ConfirmationSettings,
    known: gpd.GeoDataFrame | None = None,
) -> JoinedSites:
    """Join the mines of all periods into sites, and judge each site in each period.

    The judgement of a period rests on that period and those before it. Ids come from the register: a site is known
    again by the ground on which it was first mapped, or, if none of its mines lies there any more, by all its ground.
    Of several known sites that are one now, the oldest id goes on.

    Args:
        maps: Maps of all regions and periods; those of a region in order of time.
        settings: Joining and tolerances.
        confirmation: The rule of confirmation.
        known: The register so far; ``None`` if no id was given yet.

    Returns:
        The table of sites, and the register with new ids added.

    Raises:
        BadInputError: Periods of a region lie in the wrong order, or its grid changed.
    """
    register = empty_register() if known is None else known
    tables, registers = [], [register[~register["region"].isin({found.region for found in maps})]]
    for region, found in groupby(sorted(maps, key=lambda found: found.region), key=lambda found: found.region):
        series = list(found)
        check_series(series)
        rows, ids = _follow(series, settings, confirmation, register[register["region"] == region])
        tables.append(rows)
        registers.append(ids)
    records = [
        dict(zip(rows.columns, row, strict=True)) for rows in tables for row in rows.astype(object).to_numpy().tolist()
    ]
    return JoinedSites(site_table(records), make_register(pd.concat(registers, ignore_index=True)))


def _follow(
    maps: Sequence[PeriodMap], settings: SiteSettings, confirmation: ConfirmationSettings, register: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the sites of a region, and its register."""
    plane = maps[0].plane
    register = register.sort_values("number", ignore_index=True)
    flat = {
        name: shapely.make_valid(plane.from_degrees(register[name].to_numpy(dtype=object)))
        for name in ("geometry", "ground")
    }
    tracks = Tracks(maps, flat["geometry"], register["number"].to_numpy(dtype=np.int64), settings, confirmation)
    for period in range(len(maps)):
        tracks.follow(period)
    numbers = _number(tracks, flat["ground"])
    return _table(tracks, numbers), _update(tracks, numbers, register, flat["ground"])


def _number(tracks: Tracks, grounds: Geometries) -> Integers:
    """Number all tracks: those without an id take that of a known site on whose ground they lie, or a new one."""
    numbers: Integers = tracks.state["number"].to_numpy(copy=True)
    pending, free = np.flatnonzero(numbers == PENDING), np.flatnonzero(~tracks.claimed)
    # Ground that several tracks cover goes to the one that covers most, and a track takes the oldest id.
    known, track = claim(grounds[free], tracks.state["ground"].to_numpy()[pending], TOUCHING)
    chosen, first = np.unique(track, return_index=True)
    numbers[pending[chosen]] = tracks.numbers[free[known[first]]]
    left = np.flatnonzero(numbers == PENDING)
    highest = int(tracks.numbers.max(initial=0))
    numbers[left] = np.arange(highest + 1, highest + 1 + len(left))
    return numbers


def _table(tracks: Tracks, numbers: Integers) -> pd.DataFrame:
    """Rows of all periods with ids, and outlines in degrees."""
    region, plane = tracks.maps[0].region, tracks.maps[0].plane
    rows = pd.concat(tracks.rows, ignore_index=True)
    ids = np.array([site_id(region, number) for number in numbers.tolist()], dtype=object)
    joined = [
        " ".join(sorted({*(ids[track] for track in absorbed), *(site_id(region, number) for number in known)}))
        for absorbed, known in zip(rows["absorbed"], rows["absorbed_numbers"], strict=True)
    ]
    carried = ["concession", "protected_area", "review"]
    rows[carried] = rows.groupby("track")[carried].ffill()
    for name in ("outside_concessions_ha", "protected_ha"):
        idle = (rows["status"] == SiteStatus.INACTIVE) & rows.groupby("track")[name].ffill().notna()
        rows[name] = rows[name].mask(rows["status"] == SiteStatus.NOT_SEEN).mask(idle, 0.0)
    degrees = plane.to_degrees(rows["geometry"].to_numpy(dtype=object))
    return rows.assign(
        site_id=ids[rows["track"]], joined=joined, geometry=degrees
    ).drop(columns=["track", "absorbed", "absorbed_numbers"])  # fmt: skip


def _update(tracks: Tracks, numbers: Integers, register: gpd.GeoDataFrame, grounds: Geometries) -> pd.DataFrame:
    """The register with new ids, and with new ground of known ones."""
    plane, state = tracks.maps[0].plane, tracks.state
    number = pd.Series(range(len(state)), index=numbers)
    ground = register["ground"].to_numpy(dtype=object, copy=True)
    known = np.flatnonzero(register["number"].isin(numbers))
    mapped = state["ground"].to_numpy()[number[register["number"].iloc[known]]]
    # Ground that is known stays as it is: a run that finds nothing new writes the same register.
    wider = shapely.area(shapely.difference(mapped, grounds[known])) > _NEW_GROUND
    known, mapped = known[wider], mapped[wider]
    ground[known] = plane.to_degrees(shapely.union(grounds[known], mapped))
    fresh = np.flatnonzero(~np.isin(numbers, register["number"]))
    region = tracks.maps[0].region
    added = pd.DataFrame(
        {
            "region": region,
            "site_id": [site_id(region, given) for given in numbers[fresh].tolist()],
            "number": numbers[fresh],
            "founded": [tracks.maps[period].period.name for period in state["first"].to_numpy()[fresh]],
            "geometry": plane.to_degrees(state["founding"].to_numpy()[fresh]),
            "ground": plane.to_degrees(state["ground"].to_numpy()[fresh]),
        }
    )
    return pd.concat([pd.DataFrame(register).assign(ground=ground), added], ignore_index=True)
