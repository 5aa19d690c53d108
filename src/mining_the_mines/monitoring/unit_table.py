"""Sites by unit and period: regions, concessions, protected areas, and any other areas with a name."""

from collections.abc import Iterator
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.geo.grid import HECTARE
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.overlaps import SLIVER, Hectares, ProjectedMines, cut_out, project_mines
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.mapping.permits import CONCESSION, OUTSIDE, PROTECTED_AREA
from mining_the_mines.monitoring.site_table import SiteStatus

#: Layers of the table beside those of permits.
REGION: Final = "region"
UNIT: Final = "unit"
#: Columns of the table and their types. Hectares are those of the parts of sites inside the unit.
#:
#: ``layer``, ``unit``: layer and name of the unit.
#: ``period``, ``start``: name and first day of the period.
#: ``sites``, ``hectares``: active sites that were seen.
#: ``new_sites``, ``new_hectares``: those of them that are new.
#: ``sites_difference``, ``hectares_difference``: against the last look at each site that was seen in this period. Sites
#: on the first clear look at their ground can't be compared and don't count in it.
#: ``first_seen_sites``, ``first_seen_hectares``: sites on the first clear look at their ground.
#: ``not_seen_sites``, ``not_seen_hectares``: sites too little of which was clear, with their last known hectares. They
#: count in no other column.
UNIT_COLUMNS: Final = {
    "layer": "str", "unit": "str", "period": "str", "start": "datetime64[ms]", "sites": "int64", "hectares": "float64",
    "new_sites": "int64", "new_hectares": "float64", "sites_difference": "int64", "hectares_difference": "float64",
    "first_seen_sites": "int64", "first_seen_hectares": "float64", "not_seen_sites": "int64",
    "not_seen_hectares": "float64",
}  # fmt: skip
_BY_UNIT: Final = ["layer", "unit", "start", "period"]
_SITE: Final = ["layer", "unit", "region", "site_id"]


def sites_by_unit(
    sites: gpd.GeoDataFrame,
    concessions: NamedAreas | None = None,
    protected: NamedAreas | None = None,
    units: NamedAreas | None = None,
) -> pd.DataFrame:
    """Sum up sites by unit and period.

    Args:
        sites: Table of sites.
        concessions: Areas where mining is allowed; ``None`` if unknown.
        protected: Areas where it is not; ``None`` if unknown.
        units: Any other areas, such as municipalities or countries.

    Returns:
        A row per unit and period, columns :data:`UNIT_COLUMNS`, for each unit that a site was ever in, from its first
        site on: regions first, then protected areas, concessions (with :data:`OUTSIDE` for the ground between them) and
        units. Areas of one name are one unit.
    """
    pieces = [
        piece for _, region in sites.groupby("region") for piece in _pieces(region, concessions, protected, units)
    ]
    if not pieces:
        return pd.DataFrame(columns=list(UNIT_COLUMNS)).astype(UNIT_COLUMNS)
    parts = _with_changes(sites, pd.concat(pieces, ignore_index=True))
    table = parts.groupby(_BY_UNIT, as_index=False, sort=False)[[*UNIT_COLUMNS][4:]].sum()
    rank = {layer: number for number, layer in enumerate((REGION, PROTECTED_AREA, CONCESSION, UNIT))}
    floats = [name for name, kind in UNIT_COLUMNS.items() if kind == "float64"]
    table = table.round(dict.fromkeys(floats, 4)).sort_values(
        _BY_UNIT, key=lambda column: column.map(rank) if column.name == "layer" else column, ignore_index=True
    )
    return table[list(UNIT_COLUMNS)].astype(UNIT_COLUMNS)


def _pieces(
    sites: gpd.GeoDataFrame, concessions: NamedAreas | None, protected: NamedAreas | None, units: NamedAreas | None
) -> Iterator[pd.DataFrame]:
    """Yield the outlines of a region's rows by unit: row of the table, layer, unit, and hectares inside."""
    projected = project_mines(sites)
    yield _rows(sites.index, REGION, sites["region"].iloc[0], projected.hectares)
    for layer, areas in ((PROTECTED_AREA, protected), (CONCESSION, concessions), (UNIT, units)):
        if areas is not None:
            overlaps = cut_out(projected, areas)
            yield _rows(sites.index[overlaps.mine], layer, overlaps.name, overlaps.hectares)
            if layer == CONCESSION:
                yield _outside(sites, projected, shapely.area(overlaps.parts_of_mines()) / HECTARE)


def _outside(sites: gpd.GeoDataFrame, projected: ProjectedMines, allowed: Hectares) -> pd.DataFrame:
    left = projected.hectares - allowed
    (beyond,) = np.nonzero(left > SLIVER)
    return _rows(sites.index[beyond], CONCESSION, OUTSIDE, left[beyond])


def _rows(row: pd.Index, layer: str, unit: str | Geometries, hectares: Hectares) -> pd.DataFrame:
    return pd.DataFrame({"row": row, "layer": layer, "unit": unit, "outline": hectares})


def _with_changes(sites: gpd.GeoDataFrame, pieces: pd.DataFrame) -> pd.DataFrame:
    """All rows of each site in each unit that it was ever in, with figures that sum up to those of the unit."""
    facts = pd.DataFrame(sites[["region", "site_id", "period", "start", "status", "joined"]]).assign(row=sites.index)
    owners = pieces.merge(facts[["row", "region", "site_id"]], on="row")[_SITE]
    parts = facts.merge(owners.drop_duplicates(), on=["region", "site_id"])
    parts = parts.merge(pieces, on=["row", "layer", "unit"], how="left").fillna({"outline": 0.0})
    parts = parts.sort_values([*_SITE, "start"], ignore_index=True)
    status, outline = parts["status"], parts["outline"]
    seen = status != SiteStatus.NOT_SEEN
    active = ~status.isin([SiteStatus.NOT_SEEN, SiteStatus.INACTIVE, SiteStatus.CANDIDATE])
    hectares = outline.where(active, 0.0)
    present = active & (outline > 0)
    now = pd.DataFrame({"hectares": hectares, "sites": present.astype("float64")}).where(seen)
    before = _last_look(parts, now)
    compared = seen & before["hectares"].notna()
    new, first = present & (status == SiteStatus.NEW), present & (status == SiteStatus.BASELINE)
    hidden = ~seen & (outline > 0)
    return parts.assign(
        sites=present, hectares=hectares,
        new_sites=new, new_hectares=hectares.where(new, 0.0),
        sites_difference=(present - before["sites"]).where(compared, 0.0),
        hectares_difference=(hectares - before["hectares"]).where(compared, 0.0),
        first_seen_sites=first, first_seen_hectares=hectares.where(first, 0.0),
        not_seen_sites=hidden, not_seen_hectares=outline.where(hidden, 0.0),
    )  # fmt: skip


def _last_look(parts: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Figures of the last look at each site, and at the sites that it absorbs in a period; missing before the first."""
    by_site = [parts[name] for name in _SITE]
    before = now.groupby(by_site).ffill().groupby(by_site).shift()
    # Before a new site there was ground without one; before the first clear look at a site nothing is known.
    before[parts["status"] == SiteStatus.NEW] = before.fillna(0.0)
    known = parts.groupby(_SITE)["joined"].shift().fillna("")
    for row in np.flatnonzero(parts["joined"] != known).tolist():
        absorber = parts.iloc[row]
        absorbed = set(absorber["joined"].split()) - set(known.iloc[row].split())
        same_unit = (parts[["layer", "unit", "region"]] == absorber[["layer", "unit", "region"]]).all(axis=1)
        others = same_unit & parts["site_id"].isin(absorbed) & (parts["start"] < absorber["start"])
        before.iloc[row] += now[others].groupby(parts["site_id"]).last().sum()
    return before
