"""Polygons of mines from a map of probabilities, and the mask that the same polygons cover."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Self

import geopandas as gpd
import numpy as np
import shapely
from pydantic import BaseModel, ConfigDict, Field, model_validator
from rasterio.features import rasterize

from mining_the_mines.chips.masks import BACKGROUND, MINE, UNKNOWN, Mask
from mining_the_mines.geo.equal_area import Ground
from mining_the_mines.geo.grid import HECTARE, ChipGrid
from mining_the_mines.geo.mine_polygons import Geometries
from mining_the_mines.mapping.holes import fill_small_holes
from mining_the_mines.mapping.patches import Patches, find_patches
from mining_the_mines.mapping.strips import Probability, ProbabilityRows, read_strips
from mining_the_mines.mapping.tracing import trace_runs


@dataclass(frozen=True)
class Thresholds:
    """The two probabilities that make a patch (as in J. Canny, 1986, doi 10.1109/TPAMI.1986.4767851).

    Attributes:
        seed: A patch counts if one of its pixels reaches it.
        grow: Pixels from it on belong to the patch.
    """

    seed: float
    grow: float


class VectorSettings(BaseModel):
    """Which patches of likely pixels become polygons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: float | None = Field(
        None,
        ge=0,
        le=1,
        description=(
            "Probability that a patch must reach somewhere; null is the usual one. Raise it where faint patches are "
            "false alarms: those that stay keep their size. Below grow, it takes grow along where that is null."
        ),
    )
    grow: float | None = Field(
        None,
        ge=0,
        le=1,
        description=(
            "Probability from which pixels belong to a patch; null is the model's threshold, or seed where that is "
            "lower. Lower it where mines are found, but drawn too small."
        ),
    )
    minimum_hectares: float = Field(
        0.1, ge=0, description="Smaller patches are dropped: at 10 m, fewer than ten pixels are more often noise."
    )
    fill_holes_hectares: float = Field(
        0.0,
        ge=0,
        description="Holes up to this size are filled, unless they hold nodata; raise it where ponds count as mine.",
    )
    connectivity: Literal[4, 8] = Field(
        8,
        description="Whether pixels that touch at a corner only are one patch (8), as pits along a river, or two (4).",
    )
    simplify_metres: float = Field(
        0.0,
        ge=0,
        description=(
            "Bends are smoothed that enclose less than about the square of this with their chord, holes stay inside "
            "and neighbours apart; 0 keeps the edges of the pixels. Areas stay those of the pixels."
        ),
    )

    @model_validator(mode="after")
    def _seed_is_above_grow(self) -> Self:
        if self.seed is not None and self.grow is not None and self.grow > self.seed:
            raise ValueError(f"A patch can't grow from {self.grow} on around a seed of {self.seed}: lower grow.")
        return self

    def thresholds(self, model_threshold: float, *, usual_seed: Callable[[float], float] | None = None) -> Thresholds:
        """Resolve the two thresholds; one that is not given makes way for the one that is.

        Args:
            model_threshold: Probability from which the model calls a pixel mine.
            usual_seed: Gives the seed for a ``grow``, not below it, where no seed is given; by default, it is the
                model's threshold.

        Returns:
            Both; ``grow`` is never above ``seed``.
        """
        grow = model_threshold if self.grow is None else self.grow
        if self.seed is None:
            return Thresholds(max(model_threshold, grow) if usual_seed is None else usual_seed(grow), grow)
        return Thresholds(self.seed, min(grow, self.seed))


def outline_blocks(
    blocks: Iterable[ProbabilityRows], grid: ChipGrid, thresholds: Thresholds, settings: VectorSettings
) -> gpd.GeoDataFrame:
    """Draw a polygon around each patch of likely pixels, reading a map block by block.

    Outlines follow the edges of the pixels. All of them are valid; patches that hang together by a corner only are
    multipolygons. Whatever blocks the map comes in, polygons and figures are the same to the last bit. Memory holds
    a few blocks, and some 250 bytes for each row that each patch crosses: 50 MB for 22 000 patches of 80 pixels, 1.3 GB
    for the six million specks of a map of which 5 % are noise.

    Holes are filled first, then patches joined, and last seeds are asked for: a hole that is filled takes in what lies
    in it.

    Args:
        blocks: From top to bottom, without a gap, of any heights.
        grid: Where the raster lies.
        thresholds: Which pixels and patches count.
        settings: Which patches are kept.

    Returns:
        In the raster's CRS, the largest first and of equal ones the one that begins first row by row: ``id`` (from 1),
        ``area_ha`` (hectares on the WGS 84 ellipsoid, whatever the CRS), ``mean_probability`` and ``max_probability``
        (of its pixels, filled holes included), ``clear_dates`` (median of its pixels; NaN if nobody counted),
        ``touches_edge`` (it may go on where the raster ends or has no data).

    Raises:
        ChipError: If the CRS can't be placed on the Earth.
        ValueError: If the blocks don't fit the grid or each other.
    """
    ground = Ground(grid)
    smallest, largest = ground.pixel_range
    longest_gap = math.floor(settings.fill_holes_hectares / smallest)
    strips = read_strips(blocks, (grid.height, grid.width), thresholds.grow, longest_gap)
    chosen = strips.is_mine
    if longest_gap:
        chosen = fill_small_holes(strips, ground, settings.fill_holes_hectares, settings.connectivity)
    patches = find_patches(strips, chosen, settings.connectivity)
    # What can't reach the minimum is not worth drawing.
    patches = patches.keep(
        (patches.max_probability >= thresholds.seed) & (patches.pixels * largest >= settings.minimum_hectares)
    )
    return _tabulate(patches, ground, settings)


def outline_polygons(
    probability: Probability, grid: ChipGrid, threshold: float, settings: VectorSettings
) -> gpd.GeoDataFrame:
    """Draw a polygon around each patch of likely pixels of a map in memory.

    Without ``settings.simplify_metres``, drawing the polygons again gives the same pixels.

    Args:
        probability: float32 (height, width) in 0–1; NaN without data.
        grid: Where the chip lies.
        threshold: Probability from which the model calls a pixel mine.
        settings: Which patches are kept.

    Returns:
        As :func:`outline_blocks` gives them, without ``clear_dates``.

    Raises:
        ChipError: If the chip's CRS can't be placed on the Earth.
        ValueError: If the map is not of the grid's size.
    """
    blocks = [ProbabilityRows(0, probability)]
    return outline_blocks(blocks, grid, settings.thresholds(threshold), settings).drop(columns="clear_dates")


def draw_outlines(outlines: gpd.GeoDataFrame, probability: Probability, grid: ChipGrid) -> Mask:
    """Draw the mask that polygons cover, so that mask and polygons show the same mines.

    Args:
        outlines: As :func:`outline_polygons` made them.
        probability: From this map.
        grid: Where the chip lies.

    Returns:
        uint8 (height, width): background, mine, or unknown where the map has no data.
    """
    mask: Mask = np.full(probability.shape, BACKGROUND, dtype=np.uint8)
    if len(outlines):
        rasterize(outlines.geometry, out=mask, transform=grid.transform, default_value=MINE)
    mask[np.isnan(probability)] = UNKNOWN
    return mask


def _tabulate(patches: Patches, ground: Ground, settings: VectorSettings) -> gpd.GeoDataFrame:
    geometry = trace_runs(patches.runs, patches.labels, ground.grid.transform)
    hectares = ground.measure(geometry)
    order = np.argsort(-hectares, kind="stable")
    order = order[hectares[order] >= settings.minimum_hectares]
    drawn = geometry[order]
    if settings.simplify_metres:
        drawn = _simplify(drawn, settings.simplify_metres, ground)
    return gpd.GeoDataFrame(
        {
            "id": np.arange(1, len(order) + 1, dtype=np.int64),
            "area_ha": hectares[order],
            "mean_probability": patches.mean_probability[order],
            "max_probability": patches.max_probability[order].astype(np.float64),
            "clear_dates": patches.clear_dates[order],
            "touches_edge": patches.touches_edge[order],
        },
        geometry=drawn,
        crs=ground.grid.crs.to_wkt(),
    )


def _simplify(geometry: Geometries, metres: float, ground: Ground) -> Geometries:
    """Simplify outlines together (M. Visvalingam and J. D. Whyatt, 1993, doi 10.1179/000870493786962263)."""
    smallest, largest = ground.pixel_range
    pixel_metres = math.sqrt(math.sqrt(smallest * largest) * HECTARE)
    pixel_units = math.sqrt(abs(ground.grid.transform.determinant))
    simplified: Geometries = shapely.coverage_simplify(geometry, metres * pixel_units / pixel_metres)
    return simplified
