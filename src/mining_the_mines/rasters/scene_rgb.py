"""A scene in true colour, read small."""

import math

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError
from rasterio.windows import Window, from_bounds
from rasterio.windows import transform as transform_of_window

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.geo.grid import Box
from mining_the_mines.rasters.chip import find_bands, unreadable
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.sentinel2.bands import TRUE_COLOUR


def read_visible(
    scene: Scene, chips: ChipSettings, longest_side: int, bounds: Box | None = None
) -> tuple[npt.NDArray[np.float32], Affine]:
    """Read a scene, or a part of it, no larger than it will be shown.

    Args:
        scene: The scene; its overviews are used where it has some.
        chips: Which bands it has, and how numbers become reflectance.
        longest_side: In pixels; what is smaller is read as it is.
        bounds: Left, bottom, right and top in the scene's own coordinates, which may reach over its rim; all of it by
            default.

    Returns:
        Reflectance of red, green and blue, float32 (3, height, width), NaN where there are no data, or of the first
        band three times over where one is lacking; and the transform from its pixels to map coordinates.

    Raises:
        SceneError: If the scene can't be read.
    """
    names = TRUE_COLOUR if set(TRUE_COLOUR) <= set(chips.bands) else (chips.bands[0],)
    try:
        with rasterio.open(scene.image) as source:
            layout = find_bands(source, chips.bands, nodata=chips.nodata, scale=chips.scale, offset=chips.offset)
            bands = layout.of([chips.bands.index(name) for name in names])
            whole = Window(0, 0, source.width, source.height)
            window = whole if bounds is None else from_bounds(*bounds, transform=source.transform)
            scale = min(1.0, longest_side / max(window.height, window.width))
            shape = (max(1, math.ceil(window.height * scale)), max(1, math.ceil(window.width * scale)))
            numbers = source.read(
                list(bands.indexes),
                window=window,
                out_shape=(len(names), *shape),
                resampling=Resampling.average,
                boundless=bounds is not None,
                fill_value=0 if layout.nodata is None else layout.nodata,
            )
            placed = transform_of_window(window, source.transform)
    except RasterioIOError as error:
        raise SceneError(unreadable(scene.image, error)) from error
    visible = bands.decode(numbers)
    placed = placed @ Affine.scale(window.width / shape[1], window.height / shape[0])
    return np.broadcast_to(visible, (3, *shape)) if len(names) == 1 else visible, placed
