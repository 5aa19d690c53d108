"""A scene in true colour, read small."""

import numpy as np
import numpy.typing as npt
from affine import Affine

from mining_the_mines.geo.grid import Box
from mining_the_mines.rasters.reader import RasterFormat
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.rasters.true_colour import read_overview


def read_visible(
    scene: Scene, chips: RasterFormat, longest_side: int, bounds: Box | None = None
) -> tuple[npt.NDArray[np.float32], Affine]:
    """Read a scene in true colour; see :func:`mining_the_mines.rasters.true_colour.read_overview`."""
    return read_overview(scene.image, chips, longest_side, bounds)
