"""Attributes of a site in a period, from those of its mines."""

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.monitoring.linking import Integers
from mining_the_mines.monitoring.period_map import PeriodMap

#: Texts of mines that a site takes over, each once, and hectares that are added.
_TEXTS: Final = ("concession", "protected_area")
_HECTARES: Final = ("outside_concessions_ha", "protected_ha")


def _names(met: "pd.Series[str]") -> str:
    """Names of areas that mines lie in, each once; a mine may lie in several."""
    return "; ".join(sorted({*"; ".join(met).split("; ")} - {""}))


def sum_up(look: PeriodMap, labels: Integers, outlines: Geometries) -> pd.DataFrame:
    """Attributes of the mines of each outline, a row per outline."""
    mines: gpd.GeoDataFrame = look.mines.reset_index(drop=True)
    weight = shapely.area(look.outlines)
    table = pd.DataFrame({"label": labels, "weight": weight})
    for name in ("mean_probability", "clear_dates"):
        table[name] = mines[name].to_numpy(dtype=np.float64) * weight
    table["max_probability"] = mines["max_probability"].to_numpy()
    total = table.groupby("label").agg({"weight": "sum", "max_probability": "max"})
    sums = table.groupby("label")[["mean_probability", "clear_dates"]].sum(min_count=1)
    summed = pd.DataFrame(
        {
            "probability": sums["mean_probability"] / total["weight"],
            "peak_probability": total["max_probability"],
            "clear_dates": sums["clear_dates"] / total["weight"],
        }
    )
    largest = mines.iloc[
        table.sort_values("weight", ascending=False).drop_duplicates("label").sort_values("label").index
    ]
    summed["confidence"] = largest["confidence"].to_numpy()
    for name in _TEXTS:
        values = mines.get(name, pd.Series("", index=mines.index)).fillna("")
        met = values.groupby(labels)
        summed[name] = met.first()
        if name in mines and len(values) > len(summed):
            # Only sites of several mines have names to put together.
            several = values[met.transform("size") > 1]
            summed.update(several.groupby(labels[several.index]).agg(_names).rename(name))
    for name in _HECTARES:
        values = mines.get(name, pd.Series(np.nan, index=mines.index))
        summed[name] = values.groupby(labels).sum(min_count=1)
    review = mines.get("review", pd.Series(None, index=mines.index, dtype="boolean")).astype("boolean")
    summed["review"] = review.groupby(labels).max()
    return summed.reindex(range(len(outlines)))
