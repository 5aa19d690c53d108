"""Comparison of mines with concessions and protected areas."""

from collections.abc import Iterator, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.geo.grid import HECTARE, ChipGrid
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.overlaps import SLIVER, Hectares, ProjectedMines, cut_out, project_mines
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.mapping.settings import PermitSettings

#: Layers of a table of areas.
CONCESSION: Final = "concession"
PROTECTED_AREA: Final = "protected area"
#: Unit of mines outside all concessions.
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
    """Add the areas that each mine lies in, and whether it is marked for review.

    Args:
        mines: Polygons in any coordinate reference system.
        concessions: Areas where mining is allowed; ``None`` if unknown.
        protected: Areas where it is not; ``None`` if unknown.
        settings: Limit of a review.

    Returns:
        The mines with five more columns before their geometry: ``concession`` and ``protected_area`` (names, "; "
        between, the one with the largest part first; missing if there is none or if unknown),
        ``outside_concessions_ha`` and ``protected_ha`` (hectares on the WGS 84 ellipsoid, overlapping areas counted
        once; NaN if unknown) and ``review``. Without either layer, the mines unchanged.

    Raises:
        BadInputError: The mines' CRS can't be placed on the Earth.
    """
    if concessions is None and protected is None:
        return mines
    projected = project_mines(mines)
    concession, allowed = _lies_in(projected, concessions)
    protected_area, protected_ha = _lies_in(projected, protected)
    outside_ha = _without_slivers(projected.hectares - allowed)
    compared = mines.copy()
    columns = {
        "concession": pd.Series(concession, mines.index, dtype="str"),
        "outside_concessions_ha": outside_ha,
        "protected_area": pd.Series(protected_area, mines.index, dtype="str"),
        "protected_ha": protected_ha,
        # Comparisons with NaN are false, so an unknown area is no reason.
        "review": (protected_ha > settings.review_hectares) | (outside_ha > settings.review_hectares),
    }
    for name, values in columns.items():
        compared.insert(compared.columns.get_loc(mines.geometry.name), name, values)
    return compared


def touches(areas: NamedAreas, grid: ChipGrid) -> bool:
    """Whether any area reaches into a raster.

    Raises:
        BadInputError: The grid's CRS can't be placed on the Earth.
    """
    outline = gpd.GeoDataFrame(geometry=[shapely.box(*grid.bounds)], crs=grid.crs.to_wkt())
    return bool(len(cut_out(project_mines(outline), areas).mine))


def areas_by_unit(
    mines: Sequence[gpd.GeoDataFrame], concessions: NamedAreas | None, protected: NamedAreas | None
) -> pd.DataFrame:
    """Sum up mines in each concession, in each protected area, and outside every concession.

    Areas of one name are one unit. Scenes should not overlap: a mine that two of them show counts twice.

    Args:
        mines: A table for each scene, as :func:`compare_with_permits` returns them, each in its own CRS, with the
            column ``confidence``. Mines that a layer has not judged count in none of its units.
        concessions: Areas where mining is allowed; ``None`` if unknown.
        protected: Areas where it is not; ``None`` if unknown.

    Returns:
        A row a unit with mines, columns :data:`UNIT_COLUMNS`: ``layer`` (:data:`CONCESSION` or
        :data:`PROTECTED_AREA`), ``unit`` (its name, or :data:`OUTSIDE`), ``mines`` that reach into it, and of their
        parts inside: ``hectares``, ``hectares_to_review`` (parts in a protected area or outside every concession, of
        mines marked for review), ``high_confidence_hectares``, ``largest_ha`` of one mine. Units are sorted by hectares
        to review, then of high confidence, then all. Units without mines are left out.

    Raises:
        BadInputError: The mines' CRS can't be placed on the Earth.
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


def _lies_in(projected: ProjectedMines, areas: NamedAreas | None) -> tuple[list[str | None], Hectares]:
    """Names of the areas that each mine lies in, and hectares of its part there; NaN if unknown."""
    if areas is None:
        return [None] * len(projected.mines), np.full(len(projected.mines), np.nan)
    overlaps = cut_out(projected, areas)
    return overlaps.names_of_mines(), shapely.area(overlaps.parts_of_mines()) / HECTARE


def _pieces(
    mines: gpd.GeoDataFrame, concessions: NamedAreas | None, protected: NamedAreas | None
) -> Iterator[pd.DataFrame]:
    """Yield tables of the parts of mines in units, a row a part."""
    projected = project_mines(mines)
    off_limits: Geometries = np.full(len(mines), shapely.Polygon(), dtype=object)
    if protected is not None and _was_judged(mines, "protected_ha"):
        guarded = cut_out(projected, protected)
        off_limits = guarded.parts_of_mines()
        yield _rows(mines.iloc[guarded.mine], PROTECTED_AREA, guarded.name, guarded.hectares, guarded.hectares)
    if concessions is not None and _was_judged(mines, "outside_concessions_ha"):
        allowed = cut_out(projected, concessions)
        both = shapely.area(shapely.intersection(allowed.piece, off_limits[allowed.mine])) / HECTARE
        yield _rows(mines.iloc[allowed.mine], CONCESSION, allowed.name, allowed.hectares, both)
        left = _without_slivers(projected.hectares - shapely.area(allowed.parts_of_mines()) / HECTARE)
        (beyond,) = np.nonzero(left)
        yield _rows(mines.iloc[beyond], CONCESSION, np.full(len(beyond), OUTSIDE, object), left[beyond], left[beyond])


def _was_judged(mines: gpd.GeoDataFrame, column: str) -> bool:
    """Whether a layer was compared with the mines of a scene; where it was not, its hectares are unknown."""
    return column in mines and bool(mines[column].notna().all())


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
