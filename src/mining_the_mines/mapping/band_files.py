"""Files of one band each that are one scene, as browsers of images offer them for download (``…_B02_(Raw).tiff``)."""

import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from mining_the_mines.geo.grid import Box
from mining_the_mines.rasters.mosaic import can_be_joined, has_mask, write_stack
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.sentinel2.bands import canonical_band_name, name_bands

logger = logging.getLogger(__name__)

#: Sizes of pixels in names, which differ from band to band.
_PIXELS: Final = frozenset({"10m", "20m", "60m"})


@dataclass(frozen=True)
class _BandFile:
    """A file of one band.

    Attributes:
        scene: The file as a scene.
        band: Its band.
        crs: Coordinate reference system as WKT.
        bounds: Left, bottom, right and top in it.
        pixels: Number of its pixels.
    """

    scene: Scene
    band: str
    crs: str
    bounds: Box
    pixels: int


def join_bands(scenes: Sequence[Scene], folder: Path) -> tuple[Scene, ...]:
    """Join files of one band each whose names are equal but for the band; all other scenes stay as they are.

    They have the same coordinate reference system and bounds. Of a band in several sizes of pixels the smallest counts.

    Args:
        scenes: Scenes, no two of the same name.
        folder: Folder for virtual rasters.

    Returns:
        The scenes. A joined one stands where its first file stood, and has what is left of the files' names, or the
        name of their folder.

    Raises:
        BadInputError: The disk is full.
    """
    groups: dict[tuple[Path, str], list[_BandFile]] = defaultdict(list)
    for scene in scenes:
        band, rest = _band_and_rest(scene.image.stem)
        file = _band_file(scene, band) if band is not None and scene.clear_dates is None else None
        if file is not None:
            groups[scene.image.parent, rest].append(file)
    joined: dict[str, Scene] = {}
    taken = {scene.name.casefold() for scene in scenes}
    for (parent, rest), files in groups.items():
        finest = {file.band: file for file in sorted(files, key=lambda file: file.pixels)}
        if len(finest) > 1 and _lie_alike(files):
            name = rest or parent.name
            name = files[0].scene.name if name.casefold() in taken else name
            taken.add(name.casefold())
            bands = {band: finest[band].scene.image for band in sorted(finest)}
            stack = write_stack(bands, name, folder)
            logger.info("%d files of one band each are mapped as one scene, %s (%s).", len(finest), name, stack)
            joined |= {file.scene.name: replace(files[0].scene, name=name, image=stack) for file in files}
    return tuple(dict.fromkeys(joined.get(scene.name, scene) for scene in scenes))


def _band_and_rest(stem: str) -> tuple[str | None, str]:
    """The band that one word of a name means, and the name without it; no band if several words mean one."""
    words = re.split(r"([^A-Za-z0-9]+)", stem)
    named = [(place, band) for place, word in enumerate(words) if (band := canonical_band_name(word)) is not None]
    if len(named) != 1:
        return None, stem
    place, band = named[0]
    rest = "".join(word for number, word in enumerate(words) if number != place and word.lower() not in _PIXELS)
    return band, re.sub(r"([^A-Za-z0-9(])[^A-Za-z0-9(]+", r"\1", rest).strip("_-. ")


def _band_file(scene: Scene, band: str) -> _BandFile | None:
    """A file whose only band is the one that its name says."""
    try:
        with rasterio.open(scene.image) as source:
            (described,) = name_bands(source.descriptions) if source.count == 1 else (None,)
            usable = source.count == 1 and source.crs is not None and can_be_joined(source) and not has_mask(source)
            if not usable or described not in (None, band):
                return None
            return _BandFile(scene, band, source.crs.to_wkt(), tuple(source.bounds), source.width * source.height)
    except RasterioError:  # the node that reads it says so
        return None


def _lie_alike(files: Sequence[_BandFile]) -> bool:
    bounds = np.array([file.bounds for file in files])
    edge = (bounds[:, 2] - bounds[:, 0]) / np.sqrt([file.pixels for file in files])
    return len({file.crs for file in files}) == 1 and bool(np.ptp(bounds, axis=0).max() < edge.min() / 10)
