"""Mines against what is allowed: concessions, and areas where nobody may mine."""

from collections.abc import Iterator, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.geo.grid import HECTARE
from mining_the_mines.geo.mine_polygons import Geometries
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.overlaps import SLIVER, FlatGround, Hectares, cut_out, flatten
from mining_the_mines.mapping.settings import PermitSettings

#: Kinds of units of a table of areas.
CONCESSION: Final = "concession"
PROTECTED_AREA: Final = "protected area"
#: The unit of what lies in no concession.
OUTSIDE: Final = "outside every concession"
#: Columns of a table of areas by unit and their types.
UNIT_COLUMNS: Final = {
    "layer": "str",
    "unit": "str",
    "mines": "int64",
    "hectares": "float64",
    "hectares_to_review": "float64",
    "high_confidence_hectares": "float64",
    "largest_ha": "float64",
}


def compare_with_permits(
    mines: gpd.GeoDataFrame, concessions: NamedAreas | None, protected: NamedAreas | None, settings: PermitSettings
) -> gpd.GeoDataFrame:
    """Say of each mine what it lies in, and whether it deserves a look.

    Args:
        mines: Polygons in any coordinate reference system.
        concessions: Where mining is allowed; ``None`` if nobody knows.
        protected: Where it is not; ``None`` if nobody knows.
        settings: When to look.

    Returns:
        The mines with five more columns before their geometry: ``concession`` and ``protected_area`` (names, the one
        that holds most first, "; " between; missing in none, or if nobody knows), ``outside_concessions_ha`` and
        ``protected_ha`` (hectares on the WGS 84 ellipsoid, areas that overlap counted once; NaN if nobody knows) and
        ``review``. With neither layer, the mines as they are.

    Raises:
        BadInputError: If the mines' coordinate reference system can't be placed on the Earth.
    """
    if concessions is None and protected is None:
        return mines
    ground = flatten(mines)
    concession, allowed = _lies_in(ground, concessions)
    protected_area, protected_ha = _lies_in(ground, protected)
    outside_ha = _without_slivers(ground.hectares - allowed)
    compared = mines.copy()
    columns = {
        "concession": pd.Series(concession, mines.index, dtype="str"),
        "outside_concessions_ha": outside_ha,
        "protected_area": pd.Series(protected_area, mines.index, dtype="str"),
        "protected_ha": protected_ha,
        # What nobody knows is no reason: comparing with NaN gives False.
        "review": (protected_ha > settings.review_hectares) | (outside_ha > settings.review_hectares),
    }
    for name, values in columns.items():
        compared.insert(compared.columns.get_loc(mines.geometry.name), name, values)
    return compared


def areas_by_unit(
    mines: Sequence[gpd.GeoDataFrame], concessions: NamedAreas | None, protected: NamedAreas | None
) -> pd.DataFrame:
    """Sum up what was found in each concession, in each protected area, and outside every concession.

    Areas of one name are one unit. Scenes should not overlap: a mine that two of them show counts twice.

    Args:
        mines: One table a scene, as :func:`compare_with_permits` made them, each in its own coordinate reference
            system, with the columns ``confidence`` and ``review``.
        concessions: As there.
        protected: As there.

    Returns:
        A row a unit with mines, columns :data:`UNIT_COLUMNS`: ``layer`` (:data:`CONCESSION` or
        :data:`PROTECTED_AREA`), ``unit`` (its name, or :data:`OUTSIDE`), ``mines`` that reach into it, and of what
        they have in it: ``hectares``, ``hectares_to_review`` (of mines marked for review, what lies in a protected
        area or outside every concession), ``high_confidence_hectares``, ``largest_ha`` of one mine. What deserves a
        look first comes first: by hectares to review, then of high confidence, then all. Units without mines are left
        out, since most of a country's are.

    Raises:
        BadInputError: If the mines' coordinate reference system can't be placed on the Earth.
    """
    pieces = [piece for scene in mines if len(scene) for piece in _pieces(scene, concessions, protected)]
    if not pieces:
        return pd.DataFrame(columns=list(UNIT_COLUMNS)).astype(UNIT_COLUMNS)
    table = pd.concat(pieces, ignore_index=True)
    units = table.groupby(["layer", "unit"], as_index=False).agg(
        mines=("hectares", "size"),
        hectares=("hectares", "sum"),
        hectares_to_review=("hectares_to_review", "sum"),
        high_confidence_hectares=("high_confidence_hectares", "sum"),
        largest_ha=("hectares", "max"),
    )
    units = units.round(4)  # to the square metre, so that rounding decides no order
    order = ["hectares_to_review", "high_confidence_hectares", "hectares", "layer", "unit"]
    units = units.sort_values(order, ascending=[False, False, False, True, True], ignore_index=True)
    return units.astype(UNIT_COLUMNS)


def _lies_in(ground: FlatGround, areas: NamedAreas | None) -> tuple[list[str | None], Hectares]:
    """Names of the areas that each mine lies in, and how much of it does; NaN if nobody knows."""
    if areas is None:
        return [None] * len(ground.mines), np.full(len(ground.mines), np.nan)
    overlaps = cut_out(ground, areas)
    return overlaps.names_of_mines(), shapely.area(overlaps.parts_of_mines()) / HECTARE


def _pieces(
    mines: gpd.GeoDataFrame, concessions: NamedAreas | None, protected: NamedAreas | None
) -> Iterator[pd.DataFrame]:
    """What each mine has in each unit, one row each."""
    ground = flatten(mines)
    off_limits: Geometries = np.full(len(mines), shapely.Polygon(), dtype=object)
    if protected is not None:
        guarded = cut_out(ground, protected)
        off_limits = guarded.parts_of_mines()
        yield _rows(mines.iloc[guarded.mine], PROTECTED_AREA, guarded.name, guarded.hectares, guarded.hectares)
    if concessions is not None:
        allowed = cut_out(ground, concessions)
        both = shapely.area(shapely.intersection(allowed.piece, off_limits[allowed.mine])) / HECTARE
        yield _rows(mines.iloc[allowed.mine], CONCESSION, allowed.name, allowed.hectares, both)
        left = _without_slivers(ground.hectares - shapely.area(allowed.parts_of_mines()) / HECTARE)
        (beyond,) = np.nonzero(left)
        yield _rows(mines.iloc[beyond], CONCESSION, np.full(len(beyond), OUTSIDE, object), left[beyond], left[beyond])


def _rows(
    mines: gpd.GeoDataFrame, layer: str, unit: Geometries, hectares: Hectares, forbidden: Hectares
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "layer": layer,
            "unit": unit,
            "hectares": hectares,
            "hectares_to_review": np.where(mines["review"], forbidden, 0.0),
            "high_confidence_hectares": np.where(mines["confidence"] == "high", hectares, 0.0),
        }
    )


def _without_slivers(hectares: Hectares) -> Hectares:
    return np.where(np.nan_to_num(hectares, nan=1.0) > SLIVER, hectares, 0.0)
