"""A whole region: relief, land cover and mines. It does not change; a sensor may observe it on any date."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as reproject
from shapely import MultiPolygon, make_valid
from shapely.affinity import affine_transform

from mining_the_mines.simulation.board import Plan, settle
from mining_the_mines.simulation.canvas import CELL, Canvas, Field
from mining_the_mines.simulation.landcover import grow_vegetation, lay_roads, run_river
from mining_the_mines.simulation.mines import Mine, as_multipolygon
from mining_the_mines.simulation.places import Biome, Place
from mining_the_mines.simulation.relief import fractal_fields
from mining_the_mines.simulation.shapes import meander, winding_line
from mining_the_mines.simulation.spectra import GEOLOGIES_ALONG, local_spectra

#: Width of a pixel in metres.
PIXEL = 10.0
#: Regions are aligned to the coarsest bands, so that pixels of 10, 20 and 60 m nest.
COARSEST_PIXEL = 60.0
#: Standard deviation of the tilt of spectra within a region.
_TONE = 0.05
#: How sharply one kind of ground gives way to the next.
_CONTACT = 4.0


@dataclass(frozen=True)
class Landscape:
    """The ground of a region in cells of 5 m, arrays of shape (side, side), north up.

    Attributes:
        place: Place of the region.
        transform: From pixels of 10 m to the place's UTM zone.
        elevation: Metres.
        first: Material of each cell, as :class:`~mining_the_mines.simulation.spectra.Material`.
        second: The other material of each cell.
        share: Share of the second material, 0 to 1.
        texture: Factor on reflectance.
        tone: Tilt of spectra towards the short-wave infrared, as of dry and poor ground.
        cover: Land cover of each cell, as :class:`~mining_the_mines.simulation.canvas.Cover`.
        geology: Which of the place's spectra hold in each cell: a row of ``spectra``.
        spectra: Reflectance of the place's materials on each geology, shape (geologies, materials, 12).
        mines: All of them, outlines in metres from the upper left corner.
    """

    place: Place
    transform: Affine
    elevation: Field
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    share: Field
    texture: Field
    tone: Field
    cover: NDArray[np.uint8]
    geology: NDArray[np.uint8]
    spectra: Field
    mines: tuple[Mine, ...]

    @property
    def pixels(self) -> int:
        """Edge in pixels of 10 m."""
        return int(self.first.shape[0] * CELL / PIXEL)

    @property
    def crs(self) -> CRS:
        """The place's UTM zone."""
        return CRS.from_epsg(self.place.epsg)

    def outline(self, mine: Mine) -> MultiPolygon:
        """A mine's true outline in the coordinates of the place's UTM zone."""
        return self.on_map(mine.outline)

    def on_map(self, outline: MultiPolygon) -> MultiPolygon:
        """An outline in metres from the upper left corner, in the coordinates of the place's UTM zone."""
        to_map = [1, 0, 0, -1, self.transform.c, self.transform.f]
        return as_multipolygon(make_valid(affine_transform(outline, to_map)))


def build_landscape(place: Place, plan: Plan, rng: np.random.Generator) -> Landscape:
    """Lay out a region.

    Args:
        place: Place of the region.
        plan: Its size, and number of mines.
        rng: Random number generator.

    Returns:
        The region.
    """
    ground = lay_ground(place, plan.pixels, rng)
    mines = settle(ground.canvas, plan, ground.course, rng)
    return finish_landscape(place, ground, tuple(mines), rng)


@dataclass(frozen=True)
class NaturalGround:
    """A region before anything is settled on it.

    Attributes:
        canvas: Relief, vegetation, river and a road.
        course: Middle line of the river in metres, shape (n, 2); ``None`` where there is none.
        width: Width of the river in metres.
        tone: Tilt of spectra, before it is scaled.
    """

    canvas: Canvas
    course: NDArray[np.float64] | None
    width: float
    tone: Field


def lay_ground(place: Place, pixels: int, rng: np.random.Generator) -> NaturalGround:
    """Lay out relief, vegetation, perhaps a river, and a road.

    Args:
        place: Place of the region.
        pixels: Edge in pixels of 10 m.
        rng: Random number generator.

    Returns:
        The ground.
    """
    side = int(pixels * PIXEL / CELL)
    heights, tone = fractal_fields(side, rng.uniform(3.2, 4.0), rng)
    canvas = Canvas(side, heights * np.float32(rng.uniform(3, 45)))
    grow_vegetation(canvas, place.biome, rng)
    course = meander(canvas.metres, rng)
    has_river = rng.random() < (0.4 if place.biome is Biome.DRYLAND else 0.85)
    width = float(np.exp(rng.uniform(np.log(18), np.log(130)))) if has_river else 0.0
    if has_river:
        run_river(canvas, course, width, rng)
    _connect(canvas, rng)
    return NaturalGround(canvas, course if has_river else None, width, tone)


def finish_landscape(
    place: Place, ground: NaturalGround, mines: tuple[Mine, ...], rng: np.random.Generator
) -> Landscape:
    """Draw the rocks and spectra of a region on which everything is painted.

    Args:
        place: Place of the region.
        ground: Its ground with all features.
        mines: Its mines.
        rng: Random number generator.

    Returns:
        The region.
    """
    canvas = ground.canvas
    return Landscape(
        place=place,
        transform=_georeference(place, int(canvas.metres / PIXEL)),
        elevation=canvas.elevation,
        first=canvas.first,
        second=canvas.second,
        share=canvas.share,
        texture=canvas.texture,
        tone=np.float32(_TONE) * ground.tone,
        cover=canvas.cover,
        geology=_lay_geology(canvas.side, rng),
        spectra=local_spectra(rng),
        mines=mines,
    )


def _lay_geology(side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blend four kinds of ground over a region by two fractal fields, with contacts between them some 100 m wide.

    The steps of the blend are dithered, so that they don't show as contours.
    """
    row = np.zeros((side, side), np.uint8)
    for field in fractal_fields(side, 3.0, rng):
        share = 1 / (1 + np.exp(np.float32(-_CONTACT) * field))
        level = np.floor(share * (GEOLOGIES_ALONG - 1) + rng.random(field.shape, dtype=np.float32)).astype(np.uint8)
        row = row * np.uint8(GEOLOGIES_ALONG) + np.minimum(level, np.uint8(GEOLOGIES_ALONG - 1))
    return row


def _georeference(place: Place, pixels: int) -> Affine:
    """Centre the region on its place, on the grid of the 60 m bands."""
    (x,), (y,) = reproject(CRS.from_epsg(4326), CRS.from_epsg(place.epsg), [place.longitude], [place.latitude])
    half = pixels * PIXEL / 2
    left, top = (round(value / COARSEST_PIXEL) * COARSEST_PIXEL for value in (x - half, y + half))
    return Affine(PIXEL, 0, left, 0, -PIXEL, top)


def _connect(canvas: Canvas, rng: np.random.Generator) -> None:
    """Run a road through the region."""
    start, end = rng.uniform(0, canvas.metres, 2)
    ends = ((-50.0, float(start)), (canvas.metres + 50, float(end)))
    if rng.random() < 0.5:
        ends = ((float(start), -50.0), (float(end), canvas.metres + 50))
    lay_roads(canvas, [winding_line(*ends, 0.05, rng)], float(rng.uniform(6, 12)), paved=rng.random() < 0.4)
