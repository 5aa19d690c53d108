"""Mines of a map and reference mines, made of squares."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

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
    hectares = np.array([shape.area / 10_000 for shape in shapes])
    centres = gpd.GeoSeries([shape.centroid for shape in shapes], crs=UTM).to_crs("EPSG:4326")
    count = len(shapes)
    table = pd.DataFrame(
        {
            "id": np.arange(1, count + 1, dtype=np.int64),
            "area_ha": hectares,
            "mean_probability": np.full(count, 0.8),
            "max_probability": np.full(count, 0.95),
            "confidence": pd.Series([confidence[index % len(confidence)] for index in range(count)], dtype="str"),
            "clear_dates": np.full(count, 7.0),
            "first_date": pd.Series(["2022-01-03"] * count, dtype="str"),
            "last_date": pd.Series(["2022-09-03"] * count, dtype="str"),
            "model": pd.Series(["outlines"] * count, dtype="str"),
            "model_version": pd.Series(["2026-11-22"] * count, dtype="str"),
            "scene": pd.Series([scene] * count, dtype="str"),
            "longitude": centres.x.to_numpy(dtype=np.float64),
            "latitude": centres.y.to_numpy(dtype=np.float64),
            "touches_edge": np.zeros(count, dtype=np.bool_),
        }
    )
    return gpd.GeoDataFrame(table, geometry=shapes, crs=UTM).to_crs(crs)
