"""Pictures of places: true colour, short-wave infrared, NDVI, and the periods before and after at the same stretch."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from PIL import Image
from rasterio.warp import transform_bounds

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.hashing import hash_values
from mining_the_mines.geo.grid import Box
from mining_the_mines.rasters.true_colour import read_part
from mining_the_mines.reporting.pictures import Stretch, hatched_true_colour, stretch_for
from mining_the_mines.review.images import Frame, ReviewImage, Views
from mining_the_mines.sentinel2.bands import TRUE_COLOUR

#: Longest side of a picture in pixels; 2 km are 200 pixels of 10 m.
_SIDE: Final = 400
#: Names of views with their titles.
TITLES: Final = {
    "now": "True colour",
    "infrared": "Infrared",
    "plants": "Plants",
    "before": "Before",
    "after": "After",
}
#: Short-wave infrared, near infrared and red, and the reflectance that is full light in each: bare ground is pink,
#: plants are green, water is black, at every place alike.
_INFRARED: Final = ("B12", "B8", "B4")
_INFRARED_ELSE: Final = ("B11", "B8", "B4")
_FULL_LIGHT: Final = (0.4, 0.6, 0.3)
#: NDVI from bare ground or water to dense forest, in brown and green that colour-blind people can tell apart.
_PLANTS: Final = (-0.2, 0.9)
_PLANTS_COLOURS: Final = "BrBG"
#: Changes when pictures of the same images would look otherwise.
_EDITION: Final = 1
_QUALITY: Final = 88

Bands = dict[str, npt.NDArray[np.float32]]


class PictureCache:
    """Pictures of places in a folder, each made when it is first asked for.

    Args:
        folder: The folder; nothing but pictures is written there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks = [Lock() for _ in range(16)]

    def picture(self, views: Views, frame: Frame, name: str) -> bytes | None:
        """Read a picture of a place, or draw all of its pictures.

        Args:
            views: Images of the place.
            frame: Its ground.
            name: A name of :data:`TITLES`.

        Returns:
            A WebP file; ``None`` if the images don't have the bands or the period.

        Raises:
            BadInputError: An image can't be read.
            UnwritableError: The disk is full.
        """
        key = hash_values([_EDITION, views.image_ids, [round(edge, 3) for edge in frame.box]])
        folder = self._folder / key[:24]
        with self._locks[int(key[:4], 16) % len(self._locks)]:
            if not (folder / ".complete").is_file():
                for drawn, pixels in draw_views(views, frame.box).items():
                    with whole_file(folder / f"{drawn}.webp") as draft:
                        Image.fromarray(pixels).save(draft, "WEBP", quality=_QUALITY, method=2)
                with whole_file(folder / ".complete") as draft:
                    draft.touch()
        path = folder / f"{name}.webp"
        return path.read_bytes() if name in TITLES and path.is_file() else None


def available_views(views: Views) -> list[str]:
    """List the views that the images of a place allow, in the order of :data:`TITLES`."""
    bands = set(views.now.format.bands)
    allowed = {
        "now": True,
        "infrared": any(set(wanted) <= bands for wanted in (_INFRARED, _INFRARED_ELSE)),
        "plants": {"B8", "B4"} <= bands,
        "before": views.before is not None,
        "after": views.after is not None,
    }
    return [name for name in TITLES if allowed[name]]


def draw_views(views: Views, box: Box) -> dict[str, npt.NDArray[np.uint8]]:
    """Draw all pictures of a place.

    Args:
        views: Images of the place.
        box: Its ground, in the coordinates of the image of the period to judge.

    Returns:
        uint8 (height, width, 3) by name of the view, hatched without data.
    """
    bands = _read(views.now, box)
    visible = _visible(bands)
    stretch = stretch_for([visible])
    drawn = {"now": hatched_true_colour(visible, stretch)}
    for wanted in (_INFRARED, _INFRARED_ELSE):
        if "infrared" not in drawn and set(wanted) <= set(bands):
            lit = _stack(bands, wanted) / np.array(_FULL_LIGHT, np.float32)[:, np.newaxis, np.newaxis]
            drawn["infrared"] = hatched_true_colour(lit, Stretch(0.0, 1.0))
    if {"B8", "B4"} <= set(bands):
        drawn["plants"] = _draw_plants(bands["B8"], bands["B4"])
    for name, image in (("before", views.before), ("after", views.after)):
        if image is not None:
            drawn[name] = hatched_true_colour(_visible(_read(image, _moved(box, views.now, image))), stretch)
    return drawn


def _read(image: ReviewImage, box: Box) -> Bands:
    names = image.format.bands
    read, _ = read_part(image.path, image.format, names, _SIDE, box)
    return dict(zip(names, read, strict=True))


def _moved(box: Box, seen: ReviewImage, other: ReviewImage) -> Box:
    """The same ground in the coordinates of another image; a square around the same centre."""
    if seen.grid.crs == other.grid.crs:
        return box
    left, bottom, right, top = transform_bounds(seen.grid.crs, other.grid.crs, *box)
    return left, bottom, right, top


def _visible(bands: Bands) -> npt.NDArray[np.float32]:
    return _stack(bands, TRUE_COLOUR if set(TRUE_COLOUR) <= set(bands) else (next(iter(bands)),) * 3)


def _stack(bands: Bands, names: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.stack([bands[name] for name in names])


def _draw_plants(infrared: npt.NDArray[np.float32], red: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """NDVI in colours."""
    total = infrared + red
    ndvi = np.divide(infrared - red, total, out=np.full_like(red, np.nan), where=total > 0.01)
    low, high = _PLANTS
    colours = mpl.colormaps[_PLANTS_COLOURS](np.clip((ndvi - low) / (high - low), 0, 1))[..., :3]
    shown = np.moveaxis(colours, -1, 0).astype(np.float32)
    shown[:, np.isnan(infrared) | np.isnan(red)] = np.nan
    return hatched_true_colour(shown, Stretch(0.0, 1.0))
