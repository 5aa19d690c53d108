"""Sites as a KMZ with pictures and a time slider, for Google Earth."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image, ImageDraw

from mining_the_mines.core.zip_members import write_zip
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.monitoring.alerts import onset_text, size_text
from mining_the_mines.monitoring.site_pictures import SIDE, SitePicture
from mining_the_mines.reporting.pictures import Colour
from mining_the_mines.reporting.status_colours import STATUS_COLOURS, STATUS_TITLES

#: Rows of a document from which Google Earth gets slow. More are split into parts, which load where one looks.
MOST_ROWS: Final = 10_000
_PART_ROWS: Final = 4_000
#: Pixels of the screen that the ground of a part must cover before the part is loaded.
_SHOWN_PIXELS: Final = 192
#: Digits of coordinates in degrees: a centimetre.
_DIGITS: Final = 7
#: A disc that Google Earth paints in the colour of the status, and its side in pixels.
_MARK: Final = "files/mark.png"
_MARK_SIDE: Final = 32
_INK: Final[Colour] = (27, 31, 36)
#: Columns of the table of sites that each place carries as data.
_DATA: Final = ("site_id", "region", "period", "status", "confirmation", "hectares", "confidence", "lineage_id")

#: Pictures of a site, by region and site, each with its path in the archive.
_Shown = Mapping[tuple[str, str], Sequence[tuple[SitePicture, str]]]


@dataclass(frozen=True, eq=False)
class _Part:
    """Sites of one region that lie near each other.

    Attributes:
        name: Region, with a number if it has several parts.
        file: Path in the archive, if the part is a document of its own.
        table: Rows of the table of sites.
        rows: Rows as the template shows them.
    """

    name: str
    file: str
    table: gpd.GeoDataFrame
    rows: Iterable[dict[str, Any]]

    @property
    def bounds(self) -> list[float]:
        """West, south, east and north in degrees."""
        return [round(float(edge), _DIGITS) for edge in self.table.total_bounds]

    @property
    def sites(self) -> int:
        """Number of sites."""
        return int(self.table["site_id"].nunique())


def write_kmz(sites: gpd.GeoDataFrame, pictures: Iterable[SitePicture], path: Path) -> None:
    """Write a table of sites as KML 2.2 with pictures, in a ZIP; the same input gives the same bytes.

    A row is a place with the time of its period, so that Google Earth's time slider goes through the periods. A table
    of more than :data:`MOST_ROWS` rows is split into documents of neighbouring sites, which Google Earth loads where
    one looks closely enough; from afar, each shows how many sites it has.

    Args:
        sites: Table of sites.
        pictures: Pictures of some of the sites.
        path: The KMZ.

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    shown: dict[tuple[str, str], list[tuple[SitePicture, str]]] = {}
    files = {_MARK: _draw_mark()}
    for number, picture in enumerate(pictures, start=1):
        member = f"files/{number:05d}-{picture.moment}.jpg"
        files[member] = picture.content
        shown.setdefault((picture.region, picture.site_id), []).append((picture, member))
    linked = len(sites) > MOST_ROWS
    parts = list(_split(sites, shown, _PART_ROWS if linked else len(sites)))
    template = _template()
    shared = {"parts": [], "linked": parts} if linked else {"parts": parts, "linked": []}
    documents = {"doc.kml": _render(template, name="Sites", in_folders=True, **shared)}
    for part in parts if linked else ():
        documents[part.file] = _render(template, name=part.name, in_folders=False, parts=[part], linked=[])
    write_zip(path, documents | files)


def _template() -> Template:
    # Only the table's own texts are escaped; all else is written as it stands.
    environment = Environment(loader=PackageLoader(__package__, "."), undefined=StrictUndefined, autoescape=True)
    environment.globals.update(
        styles=[{"status": status, "colour": _colour(colour)} for status, colour in STATUS_COLOURS.items()],
        ink=_colour(_INK), mark=_MARK, side=SIDE, shown_pixels=_SHOWN_PIXELS,
    )  # fmt: skip
    return environment.get_template("sites.kml.jinja")


def _render(template: Template, **shown: Any) -> bytes:  # noqa: ANN401 - variables of the template
    return f"{template.render(**shown)}\n".encode()


def _split(sites: gpd.GeoDataFrame, shown: _Shown, most: int) -> Iterator[_Part]:
    """Split each region into parts of about so many rows; all rows of a site are in the same part."""
    for region, of_region in sites.groupby("region"):
        count = -(-len(of_region) // most)
        number = _along_curve(of_region) * count // len(of_region)
        for each in range(count):
            rows = of_region[number == each]
            name = f"{region} {each + 1}" if count > 1 else str(region)
            yield _Part(name, f"{name.replace(' ', '-')}.kml", rows, _rows(rows, shown))


def _along_curve(sites: gpd.GeoDataFrame) -> npt.NDArray[np.int64]:
    """Rank of each row along a Hilbert curve; rows of a site have the rank of its first one."""
    distance = sites.geometry.representative_point().hilbert_distance()
    order = pd.DataFrame({"at": distance, "site": sites["site_id"]}).groupby("site")["at"].transform("first")
    return (order.rank(method="min").to_numpy() - 1).astype(np.int64)


def _rows(sites: gpd.GeoDataFrame, shown: _Shown) -> Iterator[dict[str, Any]]:
    """Rows as the template shows them."""
    outlines: Geometries = sites.geometry.to_numpy()
    inside = _coordinates(shapely.point_on_surface(outlines))
    for site, polygons, place in zip(sites.itertuples(index=False), _polygons(outlines), inside, strict=True):
        values = {name: getattr(site, name) for name in _DATA} | {"hectares": round(site.hectares, 4)}
        yield {
            "site_id": site.site_id,
            "period": site.period,
            "status": site.status,
            "begin": f"{site.start:%Y-%m-%d}",
            "end": f"{site.end:%Y-%m-%d}",
            "data": [(name, value) for name, value in values.items() if pd.notna(value)],
            "facts": _facts(site),
            "pictures": shown.get((site.region, site.site_id), ()),
            "polygons": polygons,
            "inside": place,
        }


def _facts(site: Any) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 - a row of itertuples
    return (
        ("Status", STATUS_TITLES[site.status]),
        ("Size", size_text(site.hectares, site.change_hectares)),
        ("Onset", onset_text(site.onset_after, site.onset_by)),
        ("Confirmation", site.confirmation),
        ("Confidence", site.confidence),
        ("Concession", site.concession),
        ("Protected area", site.protected_area),
        ("Lineage id", site.lineage_id),
    )


def _polygons(outlines: Geometries) -> list[list[list[str]]]:
    """Coordinates of the rings of the polygons of each outline, the outer one first."""
    parts, of_outline = shapely.get_parts(outlines, return_index=True)
    # RFC 7946 and KML alike: the outer ring counter-clockwise.
    rings, of_part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    polygons: list[list[str]] = [[] for _ in parts]
    for part, ring in zip(of_part, _coordinates(rings), strict=True):
        polygons[part].append(ring)
    found: list[list[list[str]]] = [[] for _ in outlines]
    for outline, polygon in zip(of_outline, polygons, strict=True):
        found[outline].append(polygon)
    return found


def _coordinates(shapes: Geometries) -> list[str]:
    """Coordinates of points or rings as KML writes them; GEOS formats them, thirty times as fast as Python."""
    texts = shapely.to_wkt(shapes, rounding_precision=_DIGITS, trim=False)
    pairs = str.maketrans({",": " ", " ": ","})
    return [text.partition("(")[2].rstrip(")").replace(", ", ",").translate(pairs) for text in texts]


def _draw_mark() -> bytes:
    image = Image.new("RGBA", (_MARK_SIDE, _MARK_SIDE))
    ImageDraw.Draw(image).ellipse((1, 1, _MARK_SIDE - 2, _MARK_SIDE - 2), "white", _INK, 2)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _colour(colour: Colour) -> str:
    """A colour as KML writes it after its opacity: blue, green, red."""
    red, green, blue = colour
    return f"{blue:02x}{green:02x}{red:02x}"
