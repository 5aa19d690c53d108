"""The table of sampled places."""

from types import MappingProxyType
from typing import Final

from mining_the_mines.review.answer_table import Answer

#: Classes of a map and of the ground.
MINE: Final = Answer.MINE.value
NO_MINE: Final = Answer.NO_MINE.value

#: Columns of the sample and their types, beside ``geometry``, the outline of the sampled pixel in degrees of WGS 84.
#:
#: ``place_id``: region, period, latitude and longitude; the same pixel and period have it whenever they are drawn.
#: ``region``, ``period``: name of the map, and of its period (empty if it has none).
#: ``first_date``, ``last_date``: ISO days of the map's images; empty if unknown.
#: ``stratum``: name of the stratum, such as ``mine``, or ``near_mine / 2024`` in a sample of periods.
#: ``draw``: rank in the random order of the stratum, from 1; a larger sample of the seed begins with the same ranks.
#: ``inclusion_probability``: probability that the pixel was drawn.
#: ``weight``: hectares that the place stands for.
#: ``longitude``, ``latitude``: centre of the pixel in degrees of WGS 84.
#: ``map_class``: :data:`MINE` or :data:`NO_MINE`.
#: ``probability``: probability of mine in the map.
#: ``confidence``, ``mapped_hectares``: of the mapped mine at the place; empty and 0 elsewhere.
#: ``unit``: named area that the place lies in; empty outside.
#: ``stratum_pixels``, ``stratum_hectares``, ``stratum_places``: size of the stratum on the map, and places drawn in it.
#: ``map_hash``, ``lineage_id``: the map that the strata were made from.
#: ``seed``: seed of the drawing.
SAMPLE_COLUMNS: Final = MappingProxyType(
    {
        "place_id": "str", "region": "str", "period": "str", "first_date": "str", "last_date": "str", "stratum": "str",
        "draw": "int64", "inclusion_probability": "float64", "weight": "float64", "longitude": "float64",
        "latitude": "float64", "map_class": "str", "probability": "float64", "confidence": "str",
        "mapped_hectares": "float64", "unit": "str", "stratum_pixels": "int64", "stratum_hectares": "float64",
        "stratum_places": "int64", "map_hash": "str", "lineage_id": "str", "seed": "int64",
    }
)  # fmt: skip
#: Columns of the table of strata and their types: a row per region, confidence and unit of a stratum.
STRATA_COLUMNS: Final = MappingProxyType(
    {
        "stratum": "str", "period": "str", "region": "str", "map_class": "str", "confidence": "str", "unit": "str",
        "pixels": "int64", "hectares": "float64",
    }
)  # fmt: skip
