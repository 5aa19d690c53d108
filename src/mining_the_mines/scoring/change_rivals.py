"""Two plain ways to find new mines, as rivals: the difference of two maps, and of two images' indices, pixel by pixel.

Neither knows sites: each compares a period with the one before. The default thresholds are those with the best F1 on
three simulated regions that are not scored (``benchmarks/site_rivals.py``).
"""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from rasterio.features import shapes
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from mining_the_mines.geo.grid import HECTARE, ChipGrid
from mining_the_mines.sentinel2.indices import compute_index

Mask = NDArray[np.bool_]
Image = NDArray[np.float32]
#: Bands that the difference of indices needs.
INDEX_BANDS: Final = ("B2", "B4", "B8", "B11")


class MapDifference(BaseModel):
    """New where the probability of mine crosses a threshold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    probability: float = Field(
        0.5, gt=0, lt=1, description="Probability that a pixel has now, and did not have before."
    )
    minimum_hectares: float = Field(0.8, ge=0, description="Smallest new ground in hectares.")

    def changed(self, before: Image, after: Image) -> Mask:
        """Find changed pixels.

        Args:
            before: Probability of the period before, shape (H, W), NaN without data.
            after: Probability of the period, same shape.

        Returns:
            Pixels that are mine now and were none before, both seen.
        """
        return np.asarray((after >= self.probability) & (before < self.probability), dtype=np.bool_)


class IndexDifference(BaseModel):
    """New where plants go and bare soil comes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ndvi_drop: float = Field(0.5, gt=0, description="Least fall of NDVI (Rouse et al. 1974).")
    bare_rise: float = Field(0.1, gt=0, description="Least rise of the bare soil index BI (Rikimaru et al. 2002).")
    minimum_hectares: float = Field(0.8, ge=0, description="Smallest new ground in hectares.")

    def changed(self, before: Mapping[str, Image], after: Mapping[str, Image]) -> Mask:
        """Find changed pixels.

        Args:
            before: Reflectance of the period before, 0 to 1, by band of :data:`INDEX_BANDS`, NaN without data.
            after: Reflectance of the period.

        Returns:
            Pixels whose indices changed by so much, both seen.
        """
        drop = compute_index("NDVI", before) - compute_index("NDVI", after)
        rise = compute_index("BI", after) - compute_index("BI", before)
        return np.asarray((drop >= self.ndvi_drop) & (rise >= self.bare_rise), dtype=np.bool_)


def polygonize_change(changed: Iterable[Mask], grid: ChipGrid, minimum_hectares: float) -> list[BaseGeometry]:
    """Draw the outlines of changed ground, in memory that follows a block's size.

    Args:
        changed: Changed pixels in blocks of whole rows, from top to bottom.
        grid: The grid, in metres.
        minimum_hectares: Smaller ground is dropped.

    Returns:
        Polygons in the grid's CRS; pixels that share a corner belong together.
    """
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": grid.height, "width": grid.width,
               "crs": grid.crs, "transform": grid.transform, "compress": "zstd"}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.tif"
        with rasterio.open(path, "w", **profile) as raster:
            first = 0
            for block in changed:
                raster.write(block.astype(np.uint8), 1, window=Window(0, first, grid.width, len(block)))
                first += len(block)
        with rasterio.open(path) as raster:
            band = rasterio.band(raster, 1)
            polygons = (shapely.geometry.shape(part) for part, _ in shapes(band, mask=band, connectivity=8))
            return [shapely.make_valid(one) for one in polygons if one.area >= minimum_hectares * HECTARE]
