"""Simulated level-2A products: granules, names, digital numbers and Cloud-Optimized GeoTIFFs."""

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
from mining_the_mines.simulation.landscape import COARSEST_PIXEL, PIXEL, Landscape
from mining_the_mines.simulation.passes import SwathEdge
from mining_the_mines.simulation.places import Place, mgrs_tile

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
    """Identity of a product.

    Attributes:
        moment: Time of the observation, UTC.
        platform: Such as ``sentinel-2a``.
        baseline: Processing baseline such as ``03.01``.
        orbit: Relative orbit.
        tile: MGRS tile.
        created: Time of processing, UTC.
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
        """Offset of the digital numbers over reflectance × 10 000."""
        return OFFSET if float(self.baseline) >= FIRST_WITH_OFFSET else 0


def processed(moment: datetime, baseline: str, again: bool) -> datetime:
    """Time of processing: some hours after the pass, or years later for the archive's Collection 1."""
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
        path: Destination.
        image: Shape (H, W), 0 where there is no data.
        crs: CRS of the grid.
        transform: Transform of the grid.
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


#: Relative orbits of Sentinel-2 before its track repeats.
_ORBITS: Final = 143
#: Share of the region's edge on which two granules overlap; real ones do so by 10 km.
_OVERLAP: Final = 0.2


def seen(edge: SwathEdge, side: int) -> NDArray[np.bool_]:
    """Find the pixels of a band that lie within the swath.

    Args:
        edge: Edge of the swath.
        side: Pixels of the band along the region's edge.

    Returns:
        Those whose centres do, shape (side, side).
    """
    along = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    azimuth = np.radians(edge.azimuth)
    east, north = along[None, :], -along[:, None]
    within: NDArray[np.bool_] = east * np.sin(azimuth) + north * np.cos(azimuth) < edge.distance
    return within


def granules_of(landscape: Landscape, split: bool) -> tuple[Granule, ...]:
    """Cut a region into granules.

    Args:
        landscape: The region.
        split: Whether two tiles meet in it.

    Returns:
        One granule with all of it; or two that overlap, the second in the tile to the east.
    """
    ground, place = landscape.transform, landscape.place
    tile = mgrs_tile(place.epsg, ground.c, ground.f, place.latitude)
    if not split:
        return (Granule(tile, 0, landscape.pixels),)
    step = int(COARSEST_PIXEL / PIXEL)
    coarse = landscape.pixels // step
    overlap = max(round(_OVERLAP * coarse), 1)
    start = (coarse - overlap) // 2
    east = mgrs_tile(place.epsg, ground.c + 100_000, ground.f, place.latitude)
    return Granule(tile, 0, (start + overlap) * step), Granule(east, start * step, landscape.pixels)


def relative_orbit(place: Place) -> int:
    """Made-up number of the relative orbit over a place, the same for all passes."""
    return int((180 - place.longitude) / 360 * _ORBITS) % _ORBITS + 1
