"""Composites as files: an image of reflectance, and how many clear dates stand behind each pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Composite:
    """The composite of one region. Both rasters lie on the same grid, 10 m, in the region's UTM zone.

    Attributes:
        region: Its name.
        image: GeoTIFF, uint16 (bands, height, width): digital numbers as in
            :mod:`mining_the_mines.sentinel2.reflectance`, with scale and offset in the file's tags, nodata 0, and the
            bands' names as descriptions.
        clear_dates: GeoTIFF, uint16 (1, height, width): the number of clear dates of each pixel.
        dates: Days that went in, in order; a day counts once, however many granules it has.
        baselines: Processing baselines of the scenes, such as ``03.01``, in order, each once.
        method: How it was made, such as ``median``.
    """

    region: str
    image: Path
    clear_dates: Path
    dates: tuple[date, ...]
    baselines: tuple[str, ...]
    method: str


Composites = Sequence[Composite]
