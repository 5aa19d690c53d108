"""Images that places are judged on: which image of which period shows a place, and its ground as seen from the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.errors import RasterioIOError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import Box, ChipGrid, pixel_metres, read_grid
from mining_the_mines.geo.mine_polygons import LON_LAT, Transformation, transformation
from mining_the_mines.mapping.scene_map import SceneMap
from mining_the_mines.rasters.reader import RasterFormat, unreadable
from mining_the_mines.review.places import Place
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.sentinel2.bands import name_bands

#: Metres from a place to the rim of its picture.
REACH: Final = 1000.0
#: A larger mine is shown whole, with this much ground around it, up to the farthest rim.
_MARGIN: Final = 0.75
_FARTHEST: Final = 5000.0
#: A corrected outline begins with the one at hand, with few corners.
_DRAFT_METRES: Final = 15.0
#: Bands that pictures are made of.
_SHOWN: Final = ("B2", "B3", "B4", "B8", "B11", "B12")

Ring = list[tuple[float, float]]


@dataclass(frozen=True)
class ReviewImage:
    """An image of a region in a period.

    Attributes:
        region: Name of the region.
        period: Name of the period; empty if there is none.
        path: Raster with named bands.
        layout: How to read it where the file does not say.
        content_hash: Hash of all that its pixels depend on.
        first_date: First day of its images, ISO; empty if unknown.
        last_date: Last day.
    """

    region: str
    period: str
    path: Path
    layout: RasterFormat
    content_hash: str
    first_date: str = ""
    last_date: str = ""

    @property
    def image_id(self) -> str:
        """Id for the table of answers."""
        return f"{self.region}/{self.period}@{self.content_hash[:12]}".replace(" ", "-")

    @property
    def dates(self) -> str:
        """First and last day, for people."""
        return " to ".join(dict.fromkeys(day for day in (self.first_date, self.last_date) if day))

    @cached_property
    def grid(self) -> ChipGrid:
        """Its grid."""
        return read_grid(self.path)

    @cached_property
    def format(self) -> RasterFormat:
        """How to read it: the bands that it has among those that pictures are made of, else those of ``layout``.

        Raises:
            BadInputError: It can't be read.
        """
        try:
            with rasterio.open(self.path) as source:
                named = name_bands(source.descriptions)
        except RasterioIOError as error:
            raise BadInputError(unreadable(self.path, error)) from error
        shown = tuple(name for name in _SHOWN if name in named)
        return self.layout.model_copy(update={"bands": shown}) if shown else self.layout

    def shows(self, longitude: float, latitude: float) -> bool:
        """Whether it covers a place."""
        left, bottom, right, top = self.grid.bounds
        x, y = self._place(longitude, latitude)
        return bool(left <= x <= right and bottom <= y <= top)

    def frame(self, place: Place) -> "Frame":
        """Choose the ground of a place's pictures.

        Returns:
            A square around the place that shows 1 km to each side, or all of a larger outline.
        """
        across, down = (
            edge / metres
            for edge, metres in zip(
                (self.grid.transform.a, self.grid.transform.e), pixel_metres(self.grid), strict=True
            )
        )  # map units a metre
        across, down = abs(across), abs(down)
        x, y = self._place(place.longitude, place.latitude)
        reach = REACH
        if place.outline is not None:
            corners = np.abs(shapely.get_coordinates(self._placed(place.outline)) - (x, y)) / (across, down)
            reach = min(_FARTHEST, max(reach, float(corners.max()) / _MARGIN))
        box = (x - reach * across, y - reach * down, x + reach * across, y + reach * down)
        rings = [] if place.outline is None else list(_rings(self._placed(place.outline)))
        to_fraction = ~Affine(box[2] - box[0], 0, box[0], 0, box[1] - box[3], box[3])
        corners_of_frame = [(box[0], box[3]), (box[2], box[3]), (box[2], box[1]), (box[0], box[1])]
        degrees = transformation(self.grid.crs.to_wkt(), LON_LAT)(np.array(corners_of_frame)).tolist()
        return Frame(
            box=box,
            metres=2 * reach,
            marks=[[to_fraction @ point for point in ring] for ring in rings],
            draft=[to_fraction @ point for point in self._draft(place.outline if place.mapped else None, across)],
            corners=[(round(float(east), 7), round(float(north), 7)) for east, north in degrees],
        )

    @cached_property
    def _from_degrees(self) -> Transformation:
        return transformation(LON_LAT, self.grid.crs.to_wkt())

    def _draft(self, outline: shapely.Geometry | None, units: float) -> Ring:
        """Rim of the largest part of an outline with few corners, without the last one, which is the first again.

        Args:
            outline: The outline.
            units: Map units a metre.
        """
        if outline is None:
            return []
        parts = shapely.get_parts(self._placed(outline))
        largest = parts[int(shapely.area(parts).argmax())]
        plain = shapely.simplify(largest, _DRAFT_METRES * units)
        return next(iter(_rings(plain)), [])[:-1]

    def _place(self, longitude: float, latitude: float) -> tuple[float, float]:
        x, y = self._from_degrees(np.array([[longitude, latitude]]))[0].tolist()
        return x, y

    def _placed(self, shape: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(shape, self._from_degrees)


class Frame(NamedTuple):
    """The ground of a place's pictures.

    Attributes:
        box: Left, bottom, right and top in the image's coordinates.
        metres: Its side.
        marks: Rings of the outline to judge, in fractions of the picture from its upper left corner.
        draft: Corners to begin a corrected outline with; empty where the outline is no mine's.
        corners: Upper left, upper right, lower right and lower left corner in degrees, longitude first.
    """

    box: Box
    metres: float
    marks: list[Ring]
    draft: Ring
    corners: Ring


def image_of_map(found: SceneMap, period: str = "") -> ReviewImage:
    """The image that a map was made from.

    Args:
        found: The map.
        period: Name of its period, if it has one.
    """
    record = found.record
    days = [day.isoformat() for day in record.scene.dates]
    held = record.files.get(str(record.scene.image), record.probability_hash)
    return ReviewImage(
        found.name, period, record.scene.image, record.chips, held, min(days, default=""), max(days, default="")
    )


def image_of_composite(composite: Composite) -> ReviewImage:
    """The image of a composite without a period."""
    days = [day.isoformat() for day in composite.dates]
    first, last = min(days, default=""), max(days, default="")
    return ReviewImage(composite.region, "", composite.image, RasterFormat(), composite.content_hash, first, last)


class Views(NamedTuple):
    """Images of a place.

    Attributes:
        now: Image of the period to judge.
        before: Image of the period before; ``None`` if there is none.
        after: Image of the period after.
    """

    now: ReviewImage
    before: ReviewImage | None
    after: ReviewImage | None

    @property
    def image_ids(self) -> str:
        """Ids of all of them, blank-separated."""
        return " ".join(image.image_id for image in self if image is not None)


def choose_views(place: Place, images: Iterable[ReviewImage]) -> Views | None:
    """Choose the images of a place.

    Args:
        place: The place.
        images: All images.

    Returns:
        The image of its region and period, or else the newest that covers it, with its neighbours in time; ``None`` if
        no image covers the place.
    """
    covering = [image for image in images if image.shows(place.longitude, place.latitude)]
    if not covering:
        return None
    exact = [image for image in covering if (image.region, image.period) == (place.region, place.period)]
    alike = [image for image in covering if image.period == place.period]
    now = (exact or alike or sorted(covering, key=_day)[-1:])[0]
    series = sorted((image for image in covering if image.region == now.region), key=_day)
    before = [image for image in series if _day(image) < _day(now)]
    after = [image for image in series if _day(image) > _day(now)]
    return Views(now, before[-1] if before else None, after[0] if after else None)


def _day(image: ReviewImage) -> tuple[str, str]:
    return image.first_date, image.period


def _rings(shape: shapely.Geometry) -> Iterable[Ring]:
    for part in shapely.get_parts(shape):
        if shapely.get_type_id(part) == shapely.GeometryType.POLYGON:
            for ring in shapely.get_rings(part):
                yield [(float(x), float(y)) for x, y in shapely.get_coordinates(ring)]
