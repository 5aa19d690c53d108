"""Ground that reviewers have corrected: the polygons of mines there, and the places that chips and masks must heed."""

import logging
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from rasterio.warp import transform as transform_points

from mining_the_mines.chips.cutting_places import ChipPlaces
from mining_the_mines.geo.antimeridian import Boxes, split_boxes
from mining_the_mines.geo.grid import ChipGrid, wgs84
from mining_the_mines.geo.mine_polygons import ACCEPTED, COLUMNS, DROPPED, MinePolygons, measure_hectares

logger = logging.getLogger(__name__)

#: Layer of drawn outlines in an inventory of polygons.
REVIEW: Final = "review"


@dataclass(frozen=True, eq=False)
class CorrectedGround:
    """Polygons of mines after corrections, and the corrected places.

    Attributes:
        polygons: The corrected polygons; none of them may be left.
        table: A row per corrected place, with ``place_id``, ``longitude``, ``latitude``, ``label``, ``category`` and
            the drawn outline or the place as geometry, in degrees of WGS 84.
        without_outline: Places with a mine that no polygon surrounds, boolean (places,).
    """

    polygons: MinePolygons
    table: gpd.GeoDataFrame
    without_outline: npt.NDArray[np.bool_]

    @property
    def places(self) -> ChipPlaces:
        """The corrected places, to centre chips on."""
        longitude, latitude = (self.table[axis].to_numpy(dtype=np.float64) for axis in ("longitude", "latitude"))
        return ChipPlaces(tuple(self.table["place_id"]), longitude, latitude, (), "the corrections")

    def on(self, grid: ChipGrid) -> npt.NDArray[np.intp]:
        """Rows of the places on a chip, ascending."""
        west, south, east, north = split_boxes(np.array([grid.wgs84_bounds])).T
        x, y = self.table["longitude"].to_numpy(), self.table["latitude"].to_numpy()
        near = ((x >= west[:, None]) & (x <= east[:, None]) & (y >= south[:, None]) & (y <= north[:, None])).any(axis=0)
        rows: npt.NDArray[np.intp] = np.flatnonzero(near)
        if not rows.size:
            return rows
        columns, lines = ~grid.transform @ tuple(map(np.asarray, transform_points(wgs84(), grid.crs, x[rows], y[rows])))
        found: npt.NDArray[np.intp] = rows[
            (columns >= 0) & (columns < grid.width) & (lines >= 0) & (lines < grid.height)
        ]
        return found

    def lacks_outline(self, grid: ChipGrid) -> bool:
        """Return whether a mine on a chip has no outline, so that nobody knows which pixels are mine."""
        return bool(self.without_outline[self.on(grid)].any())


def apply_corrections(polygons: MinePolygons | None, corrections: gpd.GeoDataFrame) -> CorrectedGround:
    """Correct polygons of mines by what reviewers say.

    A polygon around a place without a mine is dropped. One that a drawn outline overlaps is replaced by the outline,
    and an outline that overlaps none is added. A mine without an outline where no polygon is adds no polygon, since
    nobody knows how far it reaches.

    Args:
        polygons: As they were, if there are any.
        corrections: The table of corrections; see :class:`CorrectedGround`.

    Returns:
        The corrected ground. The inventory lists dropped and redrawn polygons with the reason, and drawn outlines in
        the layer :data:`REVIEW`.
    """
    before = _nothing() if polygons is None else polygons
    is_mine = corrections["label"].eq(1).to_numpy()
    is_drawn = is_mine & corrections.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy()
    points = shapely.points(corrections["longitude"], corrections["latitude"])
    drawn = corrections.geometry.to_numpy()[is_drawn]
    tree = shapely.STRtree(before.geometry)
    reasons = np.full(len(before), None, dtype=object)
    reasons[tree.query(drawn, predicate="intersects")[1]] = "redrawn: a reviewer drew another outline"
    reasons[tree.query(points[~is_mine], predicate="intersects")[1]] = "rejected: a reviewer saw no mine"
    left = np.array([reason is None for reason in reasons], dtype=bool)
    logger.info(
        "Corrections drop or redraw %d of %d polygons; %d outlines were drawn.", (~left).sum(), len(left), len(drawn)
    )
    after = MinePolygons(
        geometry=np.concatenate([before.geometry[left], drawn]),
        hectares=np.concatenate([before.hectares[left], measure_hectares(drawn)]),
        inventory=_inventory(before, reasons, measure_hectares(drawn)),
        source=before.source,
        kinds=(*np.asarray(before.kinds, dtype=object)[left], *("",) * len(drawn)),
        attributes=pd.concat([before.attributes[left], pd.DataFrame(index=range(len(drawn)))], ignore_index=True),
    )
    outlined = np.isin(np.arange(len(points)), shapely.STRtree(after.geometry).query(points, predicate="intersects")[0])
    return CorrectedGround(after, corrections, is_mine & ~is_drawn & ~outlined)


def touched_by(corrections: gpd.GeoDataFrame, boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Find the boxes that the place or the drawn outline of a correction touches.

    Args:
        corrections: The table of corrections.
        boxes: West, south, east and north in degrees of WGS 84, float64 (boxes, 4); NaN where nobody knows them.

    Returns:
        Boolean (boxes,); false where a box isn't known.
    """
    points = shapely.points(corrections["longitude"], corrections["latitude"])
    tree = shapely.STRtree(np.concatenate([points, corrections.geometry.to_numpy()]))
    touched = np.zeros(len(boxes), dtype=bool)
    for row in np.flatnonzero(np.isfinite(boxes).all(axis=1)):
        parts = shapely.box(*split_boxes(boxes[[row]]).T)
        touched[row] = bool(tree.query(parts, predicate="intersects").size)
    return touched


def _nothing() -> MinePolygons:
    nothing = np.empty(0, dtype=object)
    inventory = pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    return MinePolygons(nothing, np.empty(0), inventory, "the corrections", (), pd.DataFrame())


def _inventory(
    before: MinePolygons, reasons: npt.NDArray[np.object_], hectares: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """The inventory with changed polygons as dropped, and with drawn outlines."""
    rows = before.inventory.copy()
    changed = rows.index[rows["verdict"] != DROPPED][[reason is not None for reason in reasons]]
    rows.loc[changed, "verdict"] = DROPPED
    rows.loc[changed, "reason"] = [reason for reason in reasons if reason is not None]
    drawn = pd.DataFrame({"layer": REVIEW, "feature": range(len(hectares)), "verdict": ACCEPTED, "hectares": hectares})
    return pd.concat([rows, drawn.reindex(columns=list(COLUMNS)).astype(COLUMNS)], ignore_index=True)
