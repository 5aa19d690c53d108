"""A simulated level-2A product: the bands of one granule as Cloud-Optimized GeoTIFFs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from mining_the_mines.sentinel2.baseline import FIRST_WITH_OFFSET
from mining_the_mines.sentinel2.reflectance import LARGEST, NODATA, OFFSET, QUANTIFICATION
from mining_the_mines.simulation.landscape import PIXEL

#: Edge of the blocks of a file, in pixels.
BLOCK: Final = 256
#: Up to this edge, a file is read whole as fast as an overview of it would be.
_WITHOUT_OVERVIEWS: Final = 512
SCENE_CLASSIFICATION: Final = "SCL"

Image = NDArray[np.uint16] | NDArray[np.uint8]


@dataclass(frozen=True)
class Granule:
    """The part of a scene that one product covers.

    Attributes:
        tile: MGRS tile, such as ``21MUN``.
        first: Its first column, in pixels of 10 m; a multiple of 6.
        last: The column after its last one; a multiple of 6.
    """

    tile: str
    first: int
    last: int

    def cut(self, image: Image, resolution: int) -> Image:
        """Cut the granule out of an image of the whole scene."""
        factor = int(resolution / PIXEL)
        return image[:, self.first // factor : self.last // factor]

    def transform(self, scene: Affine, resolution: int) -> Affine:
        """Georeference the granule in a band's resolution, given the scene's transform at 10 m."""
        return Affine(resolution, 0, scene.c + self.first * PIXEL, 0, -resolution, scene.f)


@dataclass(frozen=True)
class Product:
    """What identifies a product.

    Attributes:
        moment: When it was taken, UTC.
        platform: Such as ``sentinel-2a``.
        baseline: Processing baseline such as ``03.01``.
        orbit: Relative orbit.
        tile: MGRS tile.
        created: When it was processed, UTC.
    """

    moment: datetime
    platform: str
    baseline: str
    orbit: int
    tile: str
    created: datetime

    @property
    def name(self) -> str:
        """The product's name in ESA's convention."""
        satellite = "S" + self.platform.removeprefix("sentinel-").upper()
        baseline = self.baseline.replace(".", "")
        return (
            f"{satellite}_MSIL2A_{self.moment:%Y%m%dT%H%M%S}_N{baseline}_R{self.orbit:03d}_T{self.tile}_"
            f"{self.created:%Y%m%dT%H%M%S}"
        )

    @property
    def offset(self) -> int:
        """What its digital numbers have on top of reflectance × 10 000."""
        return OFFSET if float(self.baseline) >= FIRST_WITH_OFFSET else 0


def processed(moment: datetime, baseline: str, again: bool) -> datetime:
    """Say when a product was made: some hours after the pass, or years later for the archive's Collection 1."""
    delay = timedelta(days=540) if again else timedelta(hours=9)
    return (moment + delay + timedelta(seconds=int(float(baseline) * 100))).replace(microsecond=0)


def to_digital_numbers(reflectance: NDArray[np.float32], offset: int) -> NDArray[np.uint16]:
    """Encode reflectance as a processing baseline does.

    Args:
        reflectance: Any shape; NaN where there is no data.
        offset: 1000 since baseline 04.00, 0 before, when negative reflectance was cut off.

    Returns:
        Digital numbers, 1 to 65534, and 0 for no data.
    """
    scaled = np.clip(np.rint(reflectance * QUANTIFICATION) + offset, 1, LARGEST - 1)
    return np.where(np.isnan(scaled), NODATA, scaled).astype(np.uint16)


def write_cog(path: Path, image: Image, crs: CRS, transform: Affine) -> None:
    """Write one band.

    Args:
        path: Where to.
        image: Shape (H, W), 0 where there is no data.
        crs: Of the grid.
        transform: Of the grid.
    """
    height, width = image.shape
    with rasterio.open(
        path,
        "w",
        driver="COG",
        height=height,
        width=width,
        count=1,
        dtype=image.dtype,
        nodata=NODATA,
        crs=crs,
        transform=transform,
        blocksize=BLOCK,
        compress="DEFLATE",
        predictor="YES",
        overviews="AUTO" if max(height, width) > _WITHOUT_OVERVIEWS else "NONE",
        overview_resampling="NEAREST" if image.dtype == np.uint8 else "AVERAGE",
        num_threads="1",
    ) as raster:
        raster.write(image, 1)
