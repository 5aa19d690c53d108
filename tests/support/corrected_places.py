"""Tables of corrections, as reviewers' answers make them."""

from typing import Any

import geopandas as gpd
import shapely

from mining_the_mines.review.answer_table import answer_table
from mining_the_mines.review.corrections import find_corrections

#: The chips of support.chip_polygons lie in UTM zone 21 south.
_UTM = "EPSG:32721"


def corrections_of(answers: dict[tuple[float, float], tuple[str, Any]]) -> gpd.GeoDataFrame:
    """Corrections at places (metres of UTM zone 21 S): the answer, and a look-alike or an outline in metres."""
    points = gpd.GeoSeries([shapely.Point(place) for place in answers], crs=_UTM).to_crs(4326)
    rows = []
    for number, (point, (answer, more)) in enumerate(zip(points, answers.values(), strict=True)):
        row = {"place_id": f"p{number}", "answer": answer, "reviewer": "Ana", "longitude": point.x, "latitude": point.y}
        if isinstance(more, shapely.Polygon):
            row["outline"] = gpd.GeoSeries([more], crs=_UTM).to_crs(4326)[0].wkt
        elif more:
            row["look_alike"] = more
        rows.append(row | {"answered_at": "2026-11-30T12:00:00Z", "answer_id": f"a{number}"})
    return find_corrections(answer_table(rows), None, [])
