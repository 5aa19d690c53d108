"""A model that needs no training, and chips with a bright field that it takes for a mine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.models.novelty import Novelty
from mining_the_mines.models.predictor import ModelSource
from support.chip_files import BANDS, ground, write_chip

UTM = CRS.from_epsg(32721)
DEGREES = CRS.from_epsg(4326)
#: 10 m at the equator's latitude.
STEP = 10 / 111_320
TRANSFORMS = {UTM: from_origin(500_000, 9_400_000, 10, 10), DEGREES: from_origin(-57.0, -5.4, STEP, STEP)}
#: Rows and columns of the bright field.
FIELD = (slice(3, 8), slice(4, 10))
FIELD_PIXELS = 30


@dataclass(frozen=True)
class BrightnessSegmenter:
    """Takes the reflectance of the first band for the probability of a mine."""

    chips: ChipSettings = field(default_factory=lambda: ChipSettings(bands=BANDS, workers=1))
    threshold: float = 0.6
    window: int = 16
    coarse: bool = False
    source: ModelSource | None = None
    novelty: Novelty | None = None

    def predict(self, reflectance: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
        """The first band, NaN where any band has no data."""
        return np.where(np.isnan(reflectance).any(axis=1), np.nan, reflectance[:, 0])


def grid_of(crs: CRS = UTM, height: int = 16, width: int = 16, transform: Affine | None = None) -> ChipGrid:
    """A grid of 10 m pixels south of the Amazon."""
    return ChipGrid(crs, transform or TRANSFORMS[crs], width, height)


def bright_field(seed: int = 0, size: int = 16, brightness: float = 0.9) -> npt.NDArray[np.float32]:
    """Reflectance (bands, size, size) of ground with a field of 6 × 5 pixels that is bright in the first band."""
    pixels = ground(seed, size=size)
    pixels[0][FIELD] = brightness
    return pixels


def write_mine(path: Path, crs: CRS = UTM, **profile: Any) -> Path:
    """Write a chip with a bright field."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_chip(path, bright_field(), **{"crs": crs, "transform": TRANSFORMS.get(crs, TRANSFORMS[UTM])} | profile)


def mixed_folder(folder: Path) -> ChipFolder:
    """Mines in UTM and in degrees, a chip of another shape without one, and three that can't be segmented."""
    write_mine(folder / "degrees.tif", DEGREES)
    write_mine(folder / "utm.tif")
    write_chip(folder / "forest.tif", ground(1)[:, :12], georeferenced=True)
    write_chip(folder / "nowhere.tif", bright_field())
    write_chip(folder / "night.tif", np.zeros_like(bright_field()), georeferenced=True)
    (folder / "broken.tif").write_bytes(b"no raster")
    return ChipFolder(folder)
