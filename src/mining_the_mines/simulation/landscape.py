"""A whole region: relief, land cover and mines. It does not change; a sensor may observe it on any date."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as reproject
from shapely import MultiPolygon, make_valid
from shapely.affinity import affine_transform

from mining_the_mines.simulation.canvas import CELL, Canvas, Cover, Field
from mining_the_mines.simulation.landcover import grow_vegetation, lay_roads, run_river
from mining_the_mines.simulation.lookalikes import LOOKALIKES
from mining_the_mines.simulation.mines import DIGGERS, Mine, MineKind, as_multipolygon, work_alluvium
from mining_the_mines.simulation.places import Biome, Place
from mining_the_mines.simulation.relief import fractal_fields
from mining_the_mines.simulation.shapes import Position, meander, winding_line
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
class Plan:
    """Plan of a region.

    Attributes:
        pixels: Edge in pixels of 10 m; a multiple of 6.
        slots: The region is laid out on a board of slots × slots fields, at most one feature a field.
        mines: Number of fields with a mine.
    """

    pixels: int
    slots: int
    mines: int


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
        to_map = [1, 0, 0, -1, self.transform.c, self.transform.f]
        return as_multipolygon(make_valid(affine_transform(mine.outline, to_map)))


def build_landscape(place: Place, plan: Plan, rng: np.random.Generator) -> Landscape:
    """Lay out a region.

    Args:
        place: Place of the region.
        plan: Its size, and number of mines.
        rng: Random number generator.

    Returns:
        The region.
    """
    side = int(plan.pixels * PIXEL / CELL)
    heights, tone = fractal_fields(side, rng.uniform(3.2, 4.0), rng)
    canvas = Canvas(side, heights * np.float32(rng.uniform(3, 45)))
    grow_vegetation(canvas, place.biome, rng)
    course = meander(canvas.metres, rng)
    has_river = rng.random() < (0.4 if place.biome is Biome.DRYLAND else 0.85)
    if has_river:
        run_river(canvas, course, float(np.exp(rng.uniform(np.log(18), np.log(130)))), rng)
    _connect(canvas, rng)
    mines = _settle(canvas, plan, course if has_river else None, rng)
    return Landscape(
        place=place,
        transform=_georeference(place, plan.pixels),
        elevation=canvas.elevation,
        first=canvas.first,
        second=canvas.second,
        share=canvas.share,
        texture=canvas.texture,
        tone=np.float32(_TONE) * tone,
        cover=canvas.cover,
        geology=_lay_geology(side, rng),
        spectra=local_spectra(rng),
        mines=tuple(mines),
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


def _settle(canvas: Canvas, plan: Plan, course: NDArray[np.float64] | None, rng: np.random.Generator) -> list[Mine]:
    """Put one feature on most fields of the board; mines last, so that nothing covers them."""
    pitch = canvas.metres / plan.slots
    fields = [(row, column) for row in range(plan.slots) for column in range(plan.slots)]
    order = rng.permutation(len(fields))
    centres = []
    for index in order:
        row, column = fields[index]
        jitter = rng.uniform(-0.22, 0.22, 2)
        centres.append((float((column + 0.5 + jitter[0]) * pitch), float((row + 0.5 + jitter[1]) * pitch)))
    claims = _claim(centres, plan.mines, course, pitch, rng)
    free = [centre for number, centre in enumerate(centres) if number not in claims]
    for centre, lot in zip(free, _lots(len(free), rng), strict=True):
        _settle_lookalike(canvas, centre, pitch / 2, lot, rng)
    return [_open_mine(canvas, kind, centres[number], pitch / 2, course, rng) for number, kind in claims.items()]


#: Frequency of each look-alike; the rest to 1 stays natural.
_FREQUENCY = (
    (Cover.TOWN, 0.11),
    (Cover.AQUACULTURE, 0.1),
    (Cover.CONSTRUCTION, 0.08),
    (Cover.BARE_SOIL, 0.1),
    (Cover.RESERVOIR, 0.1),
    (Cover.FARMLAND, 0.12),
    (Cover.ROAD, 0.05),
)
#: Frequency of each kind of mine, where there is a river.
_WORKED = ((MineKind.OPEN_PIT, 0.3), (MineKind.QUARRY, 0.2), (MineKind.ALLUVIAL, 0.2), (MineKind.ARTISANAL, 0.3))


def _lots(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw numbers from 0 to 1 layer by layer: each stretch is met about as often as it is long, even by a few."""
    lots: NDArray[np.float64] = (rng.permutation(count) + rng.random(count)) / max(count, 1)
    return lots


def _claim(
    centres: list[Position], mines: int, course: NDArray[np.float64] | None, pitch: float, rng: np.random.Generator
) -> dict[int, MineKind]:
    """Choose the fields that are mined, and how: those worked for alluvial gold lie by the river.

    Returns:
        Kind of mine by the field's number in ``centres``.
    """
    by_river = [] if course is None else [n for n, centre in enumerate(centres) if _near(course, centre) < pitch]
    claims: dict[int, MineKind] = {}
    for lot in _lots(mines, rng):
        kind = _worked(float(lot))
        banks = [number for number in by_river if number not in claims]
        if kind is MineKind.ALLUVIAL and not banks:
            kind = (MineKind.OPEN_PIT, MineKind.QUARRY, MineKind.ARTISANAL)[int(rng.integers(3))]
        free = banks if kind is MineKind.ALLUVIAL else [n for n in range(len(centres)) if n not in claims]
        claims[free[0]] = kind
    return claims


def _worked(lot: float) -> MineKind:
    shares = np.cumsum([share for _, share in _WORKED])
    return _WORKED[min(int(np.searchsorted(shares, lot, side="right")), len(_WORKED) - 1)][0]


def _near(course: NDArray[np.float64], centre: Position) -> float:
    return float(np.hypot(*(course - np.array(centre)).T).min())


def _settle_lookalike(canvas: Canvas, centre: Position, reach: float, lot: float, rng: np.random.Generator) -> None:
    for cover, frequency in _FREQUENCY:
        lot -= frequency
        if lot < 0:
            LOOKALIKES[cover](canvas, centre, reach, rng)
            return


def _open_mine(
    canvas: Canvas,
    kind: MineKind,
    centre: Position,
    reach: float,
    course: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> Mine:
    if kind is not MineKind.ALLUVIAL or course is None:
        return DIGGERS[kind](canvas, centre, reach, rng)
    nearest = int(np.argmin(np.hypot(*(course - np.array(centre)).T)))
    half = max(int(reach * rng.uniform(0.2, 0.9) / 10), 2)
    return work_alluvium(canvas, course[max(nearest - half, 0) : nearest + half], reach, rng)
