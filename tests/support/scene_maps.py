"""Maps of mines as the mapping makes them, and areas to compare them with."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from mining_the_mines.geo.mine_polygons import measure_hectares
from mining_the_mines.geo.named_areas import NamedAreas, read_named_areas

#: A corner of the Tapajós in UTM zone 21 south.
EAST, NORTH = 500_000.0, 9_400_000.0
UTM = "EPSG:32721"


def field(east: float, north: float, width: float, height: float | None = None) -> shapely.Polygon:
    """A box, metres from the corner; a hectare is 100 by 100."""
    return shapely.box(EAST + east, NORTH + north, EAST + east + width, NORTH + north + (height or width))


def mines_of(
    shapes: Sequence[shapely.Geometry], confidence: Sequence[str] | None = None, crs: str = UTM, scene: str = "tapajos"
) -> gpd.GeoDataFrame:
    """A finished map of mines of these shapes."""
    count = len(shapes)
    geometry = gpd.GeoSeries(list(shapes), crs=crs)
    degrees = geometry.to_crs(4326)
    middles = shapely.centroid(degrees.to_numpy())
    return gpd.GeoDataFrame(
        {
            "id": pd.Series(range(1, count + 1), dtype="int64"),
            "area_ha": pd.Series(measure_hectares(degrees.to_numpy()), dtype="float64"),
            "mean_probability": pd.Series([0.7] * count, dtype="float64"),
            "max_probability": pd.Series([0.9] * count, dtype="float64"),
            "confidence": pd.Series(confidence or ["high"] * count, dtype="str"),
            "clear_dates": pd.Series([float("nan")] * count, dtype="float64"),
            "first_date": pd.Series(["2021-09-01"] * count, dtype="str"),
            "last_date": pd.Series([None] * count, dtype="str"),
            "model": pd.Series(["segmenter"] * count, dtype="str"),
            "model_version": pd.Series(["3"] * count, dtype="str"),
            "scene": pd.Series([scene] * count, dtype="str"),
            "lineage_id": pd.Series(["scene_maps:0123456789ab"] * count, dtype="str"),
            "longitude": pd.Series(shapely.get_x(middles), dtype="float64"),
            "latitude": pd.Series(shapely.get_y(middles), dtype="float64"),
            "touches_edge": pd.Series([False] * count, dtype=bool),
        },
        geometry=geometry,
        crs=crs,
    )


def write_areas(
    path: Path,
    areas: Sequence[tuple[object, shapely.Geometry]],
    crs: str = UTM,
    column: str = "name",
    layer: str = "areas",
) -> Path:
    """Write areas with their names to a vector file."""
    names, shapes = [name for name, _ in areas], [shape for _, shape in areas]
    gpd.GeoDataFrame({"number": range(len(areas)), column: names}, geometry=shapes, crs=crs).to_file(
        path, layer=layer, engine="pyogrio"
    )
    return path


def areas_of(folder: Path, crs: str = UTM, **areas: shapely.Geometry) -> NamedAreas:
    """Areas by name, as they are read from a file."""
    path = folder / f"{'_'.join(areas)}.gpkg"
    return read_named_areas(write_areas(path, list(areas.items()), crs))
