"""The register of sites: every id that was ever given, with the ground that it stands for."""

from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from mining_the_mines.geo.mine_polygons import LON_LAT

#: Columns of the register and their types, beside two geometries in degrees of WGS 84 (EPSG:4326). A row is an id.
#:
#: ``region``, ``site_id``: region and id.
#: ``number``: number of the id in its region, from 1; it is never given again, even if the site is withdrawn.
#: ``founded``: name of the period in which the site was first mapped when it got its id.
#: ``geometry``: its outline then, by which it is known again.
#: ``ground``: all ground on which it was ever mapped, by which it is known if it moved away from there.
REGISTER_COLUMNS: Final = {"region": "str", "site_id": "str", "number": "int64", "founded": "str"}


def site_id(region: str, number: int) -> str:
    """Write an id, such as ``madre_de_dios-0012``."""
    return f"{region}-{number:04d}"


def empty_register() -> gpd.GeoDataFrame:
    """Make a register without ids."""
    return make_register(pd.DataFrame(columns=[*REGISTER_COLUMNS, "geometry", "ground"]))


def make_register(rows: pd.DataFrame) -> gpd.GeoDataFrame:
    """Make a register of rows with all its columns and geometries in degrees; sorted by region and number."""
    ordered = rows.sort_values(["region", "number"], ignore_index=True)[[*REGISTER_COLUMNS, "geometry", "ground"]]
    ordered["ground"] = gpd.GeoSeries(ordered["ground"].to_numpy(dtype=object), crs=LON_LAT)
    return gpd.GeoDataFrame(ordered.astype(REGISTER_COLUMNS), geometry="geometry", crs=LON_LAT)


def claim(
    free: npt.NDArray[np.object_], outlines: npt.NDArray[np.object_], smallest: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Find for known ground the outline that covers most of it.

    Args:
        free: Known grounds, in metres, (known,).
        outlines: Outlines that don't overlap, (outlines,).
        smallest: Square metres below which ground is not common.

    Returns:
        Numbers of the known grounds that are covered, ascending, and the outline that covers most of each; of equal
        ones the first.
    """
    known, outline = shapely.STRtree(outlines).query(free, predicate="intersects")
    common = shapely.area(shapely.intersection(free[known], outlines[outline]))
    pairs = pd.DataFrame({"known": known, "outline": outline, "common": common})
    best = pairs[pairs["common"] > smallest].sort_values(["known", "common", "outline"], ascending=[True, False, True])
    best = best.drop_duplicates("known")
    return best["known"].to_numpy(dtype=np.intp), best["outline"].to_numpy(dtype=np.intp)
