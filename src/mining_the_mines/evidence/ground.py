"""The ground of a site in two looks, with the same window and the same stretch."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from markupsafe import Markup, escape
from PIL import Image

from mining_the_mines.evidence.looks import Look, SiteLooks
from mining_the_mines.geo.grid import Box, ChipGrid, pixel_metres, read_grid
from mining_the_mines.rasters.reader import MissingBandError
from mining_the_mines.rasters.true_colour import read_overview
from mining_the_mines.reporting.map_pictures import svg_path
from mining_the_mines.reporting.map_quicklooks import surroundings_of
from mining_the_mines.reporting.pictures import Stretch, enlarge, hatched_true_colour, stretch_for
from mining_the_mines.sentinel2.bands import TRUE_COLOUR

Reflectance = npt.NDArray[np.float32]

#: Short-wave infrared, near infrared and red as red, green and blue: bare soil is pink to white, plants are green.
SWIR: Final = ("B12", "B8A", "B4")
#: Longest side in pixels of the ground that is read, and of a picture.
_MOST: Final = 1000
_SIDE: Final = 720
#: Longest scale bar, as a share of the picture.
_BAR: Final = 0.3


@dataclass(frozen=True, eq=False)
class GroundPicture:
    """The ground in one look and one set of colours.

    Attributes:
        name: File name in the archive.
        png: The picture without any drawing on it.
        drawing: ``<svg>`` of the picture with outline, scale bar and north.
    """

    name: str
    png: bytes
    drawing: Markup


@dataclass(frozen=True, eq=False)
class Ground:
    """Pictures of a site's ground.

    Attributes:
        rows: Title of a set of colours, and its picture in each look.
        metres: Side of the window on the ground.
        pixel: Side of a pixel in metres.
    """

    rows: tuple[tuple[str, tuple[GroundPicture, ...]], ...]
    metres: float
    pixel: float

    @property
    def pictures(self) -> tuple[GroundPicture, ...]:
        """All pictures."""
        return tuple(picture for _, pictures in self.rows for picture in pictures)


def picture_ground(looks: SiteLooks) -> Ground:
    """Draw the ground of a site before and after, in true colour and in short-wave infrared.

    Args:
        looks: Of the site.

    Returns:
        Pictures of the same window of whole pixels. Both looks share the stretch of each set of colours. The set of
        short-wave infrared is left out if an image lacks one of its bands.

    Raises:
        BadInputError: An image can't be read.
    """
    grid = read_grid(looks.after.map.record.scene.image)
    outlines = looks.history.to_crs(grid.crs.to_wkt()).geometry
    box, metres = surroundings_of(shapely.union_all(outlines.to_numpy()), grid)
    window = _whole_pixels(box, grid)
    outline = outlines.iloc[-1]
    names = ("after",) if looks.before is None else ("before", "after")
    rows = []
    for title, key, bands in (("True colour", "true_colour", TRUE_COLOUR), ("Short-wave infrared", "swir", SWIR)):
        read = _read(looks.pictured, window, bands)
        if read is None:
            continue
        shown = _normalise(read) if key == "swir" else read
        stretch = Stretch(0.0, 1.0) if key == "swir" else stretch_for(read)
        pictures = []
        for name, reflectance, look in zip(names, shown, looks.pictured, strict=True):
            times = max(1, _SIDE // max(reflectance.shape[1:]))
            large = reflectance.repeat(times, axis=1).repeat(times, axis=2)
            pixels = enlarge(hatched_true_colour(large, stretch), _SIDE)
            png = _png(pixels)
            label = f"{title} of {looks.site} in {look.period.name}"
            drawing = _draw(png, pixels.shape[:2], window, outline, label, grid)
            pictures.append(GroundPicture(f"{name}_{key}.png", png, drawing))
        rows.append((title, tuple(pictures)))
    return Ground(tuple(rows), metres, pixel_metres(grid)[0])


def _whole_pixels(box: Box, grid: ChipGrid) -> Box:
    """Widen a box to whole pixels of a grid."""
    left, bottom, right, top = box
    corners = [~grid.transform @ corner for corner in ((left, top), (right, bottom))]
    columns, rows = zip(*corners, strict=True)
    first = grid.transform @ (math.floor(min(columns)), math.floor(min(rows)))
    last = grid.transform @ (math.ceil(max(columns)), math.ceil(max(rows)))
    (west, east), (south, north) = sorted((first[0], last[0])), sorted((first[1], last[1]))
    return west, south, east, north


def _read(looks: Sequence[Look], window: Box, bands: Sequence[str]) -> list[Reflectance] | None:
    """Read three bands of all looks; ``None`` if one lacks a band."""
    try:
        return [
            read_overview(
                look.map.record.scene.image,
                look.map.record.chips.model_copy(update={"bands": tuple(bands)}),
                _MOST,
                window,
                bands,
            )[0]
            for look in looks
        ]
    except MissingBandError:
        return None


def _normalise(looks: Sequence[Reflectance]) -> list[Reflectance]:
    """Stretch each band to 0–1, the same in all looks: infrared is far brighter than red over plants."""
    bands = range(len(looks[0]))
    stretches = [stretch_for([look[band] for look in looks]) for band in bands]
    return [np.stack([(look[band] - stretches[band].low) / stretches[band].span for band in bands]) for look in looks]


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _draw(
    png: bytes, shape: tuple[int, ...], window: Box, outline: shapely.Geometry, label: str, grid: ChipGrid
) -> Markup:
    """Lay outline, scale bar and north over a picture; white lines with black rims are seen without colour, too."""
    width, height = _SIDE, round(_SIDE * shape[0] / shape[1])
    left, bottom, right, top = window
    path = svg_path([outline], ~Affine((right - left) / width, 0, left, 0, (bottom - top) / height, top))
    pixel = pixel_metres(grid)[0] * (right - left) / abs(grid.transform.a) / width  # metres
    metres = _round_length(_BAR * width * pixel)
    bar, low = metres / pixel, height - 24
    text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    scale = f"M24 {low - 10}V{low}H{24 + bar:.1f}V{low - 10}"
    arrow = f"M{width - 34} 74V24M{width - 46} 42L{width - 34} 22L{width - 22} 42"
    source = base64.b64encode(png).decode("ascii")
    lines = "".join(
        f'<g class="{kind}"><path class="outline" d="{path}"/><path d="{scale}"/><path d="{arrow}"/></g>'
        for kind in ("rim", "line")
    )
    return Markup(  # noqa: S704 - escaped
        f'<svg class="ground" role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}">'
        f'<image href="data:image/png;base64,{source}" width="{width}" height="{height}"/>{lines}'
        f'<text x="24" y="{low - 18}">{text}</text><text x="{width - 34}" y="104" text-anchor="middle">N</text></svg>'
    )


def _round_length(longest: float) -> float:
    """The longest of 1, 2 or 5 times a power of ten metres that is not longer."""
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest)
