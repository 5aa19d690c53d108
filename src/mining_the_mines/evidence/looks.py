"""The looks at a site: maps of its region before the mine began and since, checked against the table of sites."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.mapping.map_files import MINES
from mining_the_mines.mapping.scene_map import PROBABILITY, RECORD, SceneMap, SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.monitoring.site_table import SiteStatus

#: Ids that an error suggests.
_SUGGESTED: Final = 5
_AGAIN: Final = "make the series again with kedro run --pipelines=monitoring"


@dataclass(frozen=True, eq=False)
class Look:
    """The map of a region in a period."""

    period: Period
    map: SceneMap


def list_looks(series: Sequence[PeriodResult[SceneMaps]]) -> list[Look]:
    """List the maps of a series."""
    return [Look(each.period, found) for each in series if each.result is not None for found in each.result.maps]


@dataclass(frozen=True, eq=False)
class SiteLooks:
    """What is known of a site.

    Attributes:
        history: Rows of the table of sites, in order of time.
        before: Look at its ground before the mine began, or the first look if it was there already; ``None`` if there
            was one look alone.
        after: Last look in which the mine was seen.
        maps: Maps of ``before`` and of all rows of which there is one, in order of time.
    """

    history: gpd.GeoDataFrame
    before: Look | None
    after: Look
    maps: tuple[Look, ...]

    @property
    def site(self) -> str:
        """Id of the site."""
        return str(self.history["site_id"].iloc[0])

    @property
    def last_seen(self) -> "pd.Series[Any]":
        """Row of the last look in which the ground was seen."""
        row: pd.Series[Any] = seen_rows(self.history).iloc[-1]
        return row

    @property
    def pictured(self) -> tuple[Look, ...]:
        """The looks with pictures."""
        return (self.after,) if self.before is None else (self.before, self.after)


def seen_rows(history: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows of periods in which enough of the ground was seen."""
    return history[history["status"] != SiteStatus.NOT_SEEN]


def find_looks(site: str, sites: gpd.GeoDataFrame, maps: Sequence[Look]) -> SiteLooks:
    """Collect the history and the maps of a site.

    Args:
        site: Id of the site.
        sites: Table of sites.
        maps: Maps of all regions and periods.

    Returns:
        Its looks.

    Raises:
        BadInputError: There is no such site, or a map that its history stands on is gone or was made again since.
    """
    history = sites[sites["site_id"] == site].sort_values("start", ignore_index=True)
    if history.empty:
        raise BadInputError(_unknown(site, sites))
    region, began = str(history["region"].iloc[0]), history["start"].iloc[0].date()
    own = sorted((found for found in maps if found.map.name == region), key=lambda found: found.period.start)
    by_name = {found.period.name: found for found in own}
    gone = [name for name in seen_rows(history)["period"] if name not in by_name]
    if gone:
        raise BadInputError(f"The map of {region} in {', '.join(gone)}, on which {site} stands, is gone: {_AGAIN}.")
    mapped = history[history["period"].isin(by_name)]  # nothing at all was seen in the others
    used = [by_name[name] for name in mapped["period"]]
    for found, lineage_id in zip(used, mapped["lineage_id"], strict=True):
        held = lineage_id.rpartition(":")[2]
        if held and not found.map.record.content_hash.startswith(held):
            raise BadInputError(
                f"The map of {region} in {found.period.name} was made again since the table of sites ({lineage_id}): "
                f"{_AGAIN}."
            )
    seen = seen_rows(history)
    after = by_name[seen.loc[seen["status"] != SiteStatus.INACTIVE, "period"].iloc[-1]]
    onset_after = history["onset_after"].iloc[-1]
    if pd.isna(onset_after):
        before = None if used[0] is after else used[0]
        return SiteLooks(history, before, after, tuple(used))
    earlier = [found for found in own if found.period.start <= onset_after.date() and found.period.start < began]
    if not earlier:
        raise BadInputError(
            f"The map of {region} of {onset_after:%Y-%m-%d}, the last without {site}, is gone: {_AGAIN}."
        )
    return SiteLooks(history, earlier[-1], after, (earlier[-1], *used))


def map_files(looks: SiteLooks, hashes: ContentHashes) -> dict[Path, str]:
    """Hash the files of maps and composites that a site stands on.

    Args:
        looks: Of the site.
        hashes: Hashes of files.

    Returns:
        SHA-256 by path: of each map its record, polygons and probabilities; of looks with pictures, which come first,
        also the images.

    Raises:
        BadInputError: An image was removed, or made again, since it was mapped.
    """
    found: dict[Path, str] = {}
    for look in sorted(looks.maps, key=lambda look: look not in looks.pictured):
        if look in looks.pictured:
            found |= _images(look, hashes)
        for name in (RECORD, f"{MINES}.parquet", PROBABILITY):
            path = look.map.folder / name
            found[path] = hashes.of(path)
    return found


def _images(look: Look, hashes: ContentHashes) -> dict[Path, str]:
    scene, held = look.map.record.scene, look.map.record.files
    files = [path for path in (scene.image, scene.clear_dates) if path is not None]
    files += [path for path in map(Path, held) if path not in files]
    removed = [str(path) for path in files if not path.is_file()]
    if removed:
        raise BadInputError(
            f"The image of {scene.name} in {look.period.name} was removed since it was mapped ({', '.join(removed)}): "
            f"{_AGAIN}."
        )
    found = {path: hashes.of(path) for path in files}
    for path, content_hash in found.items():
        if held.get(str(path), content_hash) != content_hash:
            raise BadInputError(
                f"{path}, the image of {scene.name} in {look.period.name}, has changed since it was mapped: {_AGAIN}."
            )
    return found


def _unknown(site: str, sites: gpd.GeoDataFrame) -> str:
    known = sorted(set(sites["site_id"]))
    if not known:
        return f"There is no site {site}: the series found no mine."
    near = difflib.get_close_matches(site, known, _SUGGESTED, cutoff=0.3) or known[:_SUGGESTED]
    return f"There is no site {site}: name one of the {len(known)} of the table of sites, such as {', '.join(near)}."
