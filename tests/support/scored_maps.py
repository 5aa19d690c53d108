"""Mines of a map and reference mines, made of squares."""

from collections.abc import Sequence

import geopandas as gpd
import shapely

from support.scene_maps import mines_of

#: Left, top (downwards) and edge of a square, in metres from the north-west corner of the scene.
Square = tuple[float, float, float]

UTM = "EPSG:32721"
EAST, NORTH = 680_000.0, 9_180_000.0
SIZE = 2_000.0
#: A square of 2 km.
SCENE = shapely.box(EAST, NORTH - SIZE, EAST + SIZE, NORTH)


def square(left: float, top: float, edge: float) -> shapely.Polygon:
    """A square of the scene."""
    return shapely.box(EAST + left, NORTH - top - edge, EAST + left + edge, NORTH - top)


def make_reference(*squares: Square, crs: str = UTM) -> gpd.GeoDataFrame:
    """Mines that people have drawn."""
    return gpd.GeoDataFrame(geometry=[square(*of) for of in squares], crs=UTM).to_crs(crs)


def make_mines(
    *squares: Square, scene: str = "tapajos", confidence: Sequence[str] = ("high",), crs: str = UTM
) -> gpd.GeoDataFrame:
    """Mines of a map, with all their columns."""
    shapes = [square(*of) for of in squares]
    classes = [confidence[index % len(confidence)] for index in range(len(shapes))]
    return mines_of(shapes, classes, UTM, scene).to_crs(crs)
