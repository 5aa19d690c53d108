"""Drawing of a sample from maps, in memory that follows the sample and not the maps."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.assessment.allocation import allocate
from mining_the_mines.assessment.sample_table import SAMPLE_COLUMNS, STRATA_COLUMNS
from mining_the_mines.assessment.settings import SamplingSettings
from mining_the_mines.assessment.strata import Block, MapStrata, MapToSample, check_grids
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_bytes
from mining_the_mines.geo.mine_polygons import LON_LAT, place_pixels, transformation
from mining_the_mines.geo.named_areas import NamedAreas

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DrawnSample:
    """A sample, and the strata that it was drawn from.

    Attributes:
        places: One row per place; columns of :data:`SAMPLE_COLUMNS`.
        strata: One row per part of a stratum; columns of :data:`STRATA_COLUMNS`.
    """

    places: gpd.GeoDataFrame
    strata: pd.DataFrame


def draw_sample(
    maps: Sequence[MapToSample], settings: SamplingSettings, units: NamedAreas | None = None
) -> DrawnSample:
    """Draw a stratified random sample of the pixels with data of maps.

    Each pixel draws an exponential number and divides it by its area; the pixels with the smallest numbers of a stratum
    are its sample (Efraimidis & Spirakis 2006, doi 10.1016/j.ipl.2005.11.003). So a larger sample holds a smaller one,
    and where pixels differ in area, as in degrees, each hectare has the same chance. A pixel has the same number in all
    periods (permanent random numbers, Ohlsson 1995), so that samples of periods share as many places as strata allow.

    Args:
        maps: The maps. Those of one period form one population.
        settings: Strata, sizes and seed.
        units: Named areas to divide strata or estimates by.

    Returns:
        Places sorted by region, period and id, and the strata.

    Raises:
        BadInputError: There is no map, two have one name, or none has data.
    """
    check_grids(maps)
    found = [_scan(MapStrata(source, settings.strata, units), settings) for source in maps]
    strata = pd.concat([cells for cells, _ in found], ignore_index=True)
    if strata.empty:
        raise BadInputError("None of the maps has data, so that there is nothing to draw a sample from.")
    sizes = _sizes(strata, settings)
    drawn = pd.concat([candidates for _, candidates in found]).sort_values(["stratum", "key"], ignore_index=True)
    drawn = drawn.join(sizes, on="stratum")
    drawn["draw"] = drawn.groupby("stratum").cumcount() + 1
    drawn = drawn[drawn["draw"] <= drawn["stratum_places"]]
    table = _complete(drawn, maps, settings.seed)
    logger.info("%d places drawn from %d strata of %.0f hectares", len(table), len(sizes), strata["hectares"].sum())
    ordered = strata.drop(columns="ground").sort_values(["period", "region", "stratum", "confidence", "unit"])
    return DrawnSample(table, ordered[list(STRATA_COLUMNS)].reset_index(drop=True))


def _sizes(cells: pd.DataFrame, settings: SamplingSettings) -> pd.DataFrame:
    """Pixels, hectares and places of each stratum, by name."""
    summed = cells.groupby(["period", "stratum"]).agg(
        ground=("ground", "first"), stratum_pixels=("pixels", "sum"), stratum_hectares=("hectares", "sum")
    )
    parts = []
    for _, period in summed.groupby(level="period"):
        strata = period.droplevel("period")
        named = strata.rename(columns={"stratum_pixels": "pixels", "stratum_hectares": "hectares"})
        parts.append(strata.assign(stratum_places=allocate(named, settings)))
    return pd.concat(parts).drop(columns="ground")


def _scan(strata: MapStrata, settings: SamplingSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure the cells of a map, and find the pixels that may be drawn."""
    source, cells = strata.source, strata.cells
    names = np.array([strata.stratum(cell) for cell in cells])
    labels, number = np.unique(names, return_inverse=True)
    random = np.random.default_rng([settings.seed, int(hash_bytes(source.scene_map.name.encode())[:8], 16)])
    pixels = np.zeros(len(cells), dtype=np.int64)
    hectares = np.zeros(len(cells))
    limits = np.full(len(labels), np.inf)
    kept = pd.DataFrame()
    for block in strata.blocks():
        keys = random.standard_exponential(block.cells.shape) / block.hectares[:, None]
        seen = block.cells >= 0
        where = block.cells[seen]
        pixels += np.bincount(where, minlength=len(cells))
        areas = np.broadcast_to(block.hectares[:, None], seen.shape)[seen]
        hectares += np.bincount(where, areas, minlength=len(cells))
        chosen = seen & (keys < limits[number[block.cells]])
        kept = pd.concat([kept, _candidates(block, chosen, keys, number)], ignore_index=True)
        kept = kept.sort_values(["label", "key"]).groupby("label", sort=False).head(settings.most)
        counts = kept.groupby("label")["key"].agg(["size", "max"])
        full = counts[counts["size"] == settings.most]
        limits[full.index] = full["max"]
    facts = {"period": source.period, "region": source.scene_map.name}
    rows = [
        {"stratum": names[code], **facts, "ground": cells[code].ground, "map_class": cells[code].map_class,
         "confidence": cells[code].confidence, "unit": cells[code].unit, "pixels": pixels[code],
         "hectares": hectares[code].round(6)}
        for code in np.flatnonzero(pixels)
    ]  # fmt: skip
    kept["stratum"] = labels[kept["label"]] if len(kept) else []
    for name, values in (("map_class", "map_class"), ("confidence", "confidence"), ("unit", "unit")):
        of_cell = np.array([getattr(cell, values) for cell in cells], dtype=object)
        kept[name] = of_cell[kept["cell"]] if len(kept) else []
    return pd.DataFrame(rows, columns=["ground", *STRATA_COLUMNS]), kept.assign(map=source.name)


def _candidates(block: Block, chosen: np.ndarray, keys: np.ndarray, number: np.ndarray) -> pd.DataFrame:
    rows, columns = np.nonzero(chosen)
    cell = block.cells[rows, columns]
    return pd.DataFrame(
        {
            "label": number[cell], "key": keys[rows, columns], "row": rows + block.first_row, "column": columns,
            "cell": cell, "probability": block.probability[rows, columns].astype(float),
            "hectares": block.hectares[rows], "mine": block.mines[rows, columns],
        }
    )  # fmt: skip


def _complete(drawn: pd.DataFrame, maps: Sequence[MapToSample], seed: int) -> gpd.GeoDataFrame:
    """Add what a place needs to be found, judged and counted."""
    by_name = {source.name: source for source in maps}
    parts = [_place(drawn[drawn["map"] == name], source) for name, source in by_name.items()]
    table = pd.concat(parts, ignore_index=True).assign(seed=seed)
    table["weight"] = table["stratum_hectares"] / table["stratum_places"]
    table["inclusion_probability"] = np.minimum(
        table["stratum_places"] * table["hectares"] / table["stratum_hectares"], 1
    )
    table = table.sort_values(["region", "period", "place_id"], ignore_index=True)
    ordered = table[[*SAMPLE_COLUMNS, "geometry"]].astype(dict(SAMPLE_COLUMNS))
    return gpd.GeoDataFrame(ordered, geometry="geometry", crs=LON_LAT)


def _place(drawn: pd.DataFrame, source: MapToSample) -> pd.DataFrame:
    found, facts = source.scene_map, source.scene_map.record.facts
    to_degrees = transformation(found.grid.crs.to_wkt(), LON_LAT)
    columns, rows = drawn["column"].to_numpy(dtype=float), drawn["row"].to_numpy(dtype=float)
    boxes = shapely.transform(
        shapely.box(columns, rows, columns + 1, rows + 1), partial(place_pixels, found.grid.transform)
    )
    centres = to_degrees(place_pixels(found.grid.transform, np.column_stack((columns + 0.5, rows + 0.5))))
    hectares = np.array([0.0, *found.mines["area_ha"]])
    begin = "_".join([found.name, source.period] if source.period else [found.name])
    return drawn.assign(
        region=found.name,
        period=source.period,
        first_date=facts.first_date.isoformat() if facts.first_date else "",
        last_date=facts.last_date.isoformat() if facts.last_date else "",
        longitude=centres[:, 0],
        latitude=centres[:, 1],
        place_id=[f"{begin}_{latitude:.5f}_{longitude:.5f}" for longitude, latitude in centres],
        mapped_hectares=hectares[drawn["mine"]],
        map_hash=found.record.content_hash,
        lineage_id=facts.lineage_id,
        geometry=shapely.transform(boxes, to_degrees),
    )
