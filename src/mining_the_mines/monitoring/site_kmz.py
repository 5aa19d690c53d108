"""Sites as a KMZ with pictures and a time slider, for Google Earth."""

import io
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, cast
from xml.etree import ElementTree as ET

import fastkml
import geopandas as gpd
import pandas as pd
import shapely
from fastkml import config
from markupsafe import Markup
from PIL import Image, ImageDraw

from mining_the_mines.core.zip_members import write_zip
from mining_the_mines.monitoring.alerts import onset_text, size_text
from mining_the_mines.monitoring.site_pictures import SIDE, SitePicture
from mining_the_mines.reporting.pictures import Colour
from mining_the_mines.reporting.status_colours import STATUS_COLOURS, STATUS_TITLES

_NAMESPACE: Final = "http://www.opengis.net/kml/2.2"
#: Digits of coordinates in degrees: a centimetre.
_DIGITS: Final = 7
_OPACITY: Final = 0x82
#: A disc that Google Earth paints in the colour of the status, and its side in pixels.
_MARK: Final = "files/mark.png"
_MARK_SIDE: Final = 32
_INK: Final[Colour] = (27, 31, 36)
#: Columns of the table of sites that each place carries as data.
_DATA: Final = ("site_id", "region", "period", "status", "confirmation", "hectares", "confidence", "lineage_id")
# Whether lxml is installed must not change a byte.
config.set_etree_implementation(ET)
config.set_default_namespaces()
ET.register_namespace("", _NAMESPACE)


def write_kmz(sites: gpd.GeoDataFrame, pictures: Iterable[SitePicture], path: Path) -> None:
    """Write a table of sites as KML 2.2 with pictures, in a ZIP; the same input gives the same bytes.

    A row is a place with the time of its period, so that Google Earth's time slider goes through the periods.

    Args:
        sites: Table of sites.
        pictures: Pictures of some of the sites.
        path: The KMZ.

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    shown: dict[tuple[str, str], list[tuple[SitePicture, str]]] = {}
    members = {_MARK: _draw_mark()}
    for number, picture in enumerate(pictures, start=1):
        member = f"files/{number:05d}-{picture.moment}.jpg"
        members[member] = picture.content
        shown.setdefault((picture.region, picture.site_id), []).append((picture, member))
    regions = {str(region): rows for region, rows in sites.groupby("region")}
    folders = [fastkml.Folder(name=region, features=list(_places(rows, shown))) for region, rows in regions.items()]
    document = fastkml.Document(name="Sites", features=folders, styles=[_style(status) for status in STATUS_COLOURS])
    root = cast("ET.Element", fastkml.KML(features=[document]).etree_element())
    # Fastkml makes an object of each point of an outline, which takes milliseconds a row.
    outlines = (outline for rows in regions.values() for outline in rows.geometry)
    for place, outline in zip(root.iter(_name("Placemark")), outlines, strict=True):
        _add_outline(place, outline)
    text = ET.tostring(root, "unicode")
    write_zip(path, {"doc.kml": f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode(), **members})


def _add_outline(place: ET.Element, outline: shapely.Geometry) -> None:
    """Add the polygons of a site to its place, and a mark inside them, which shows from afar where it is."""
    shapes = ET.SubElement(place, _name("MultiGeometry"))
    _add_coordinates(ET.SubElement(shapes, _name("Point")), shapely.point_on_surface(outline))
    for part in shapely.get_parts(outline):
        polygon = ET.SubElement(shapes, _name("Polygon"))
        # RFC 7946 and KML alike: the outer ring counter-clockwise.
        exterior, *interiors = shapely.get_rings(shapely.orient_polygons(part))
        for name, rings in (("outerBoundaryIs", [exterior]), ("innerBoundaryIs", interiors)):
            for ring in rings:
                boundary = ET.SubElement(polygon, _name(name))
                _add_coordinates(ET.SubElement(boundary, _name("LinearRing")), ring)


def _add_coordinates(shape: ET.Element, points: shapely.Geometry) -> None:
    pairs = shapely.get_coordinates(points).tolist()
    text = " ".join(f"{longitude:.{_DIGITS}f},{latitude:.{_DIGITS}f}" for longitude, latitude in pairs)
    ET.SubElement(shape, _name("coordinates")).text = text


def _name(tag: str) -> str:
    return f"{{{_NAMESPACE}}}{tag}"


def _places(
    rows: gpd.GeoDataFrame, pictures: dict[tuple[str, str], list[tuple[SitePicture, str]]]
) -> Iterator[fastkml.Placemark]:
    for site in rows.itertuples(index=False):
        values = {name: getattr(site, name) for name in _DATA} | {"hectares": round(site.hectares, 4)}
        data = [fastkml.Data(name=name, value=str(value)) for name, value in values.items() if pd.notna(value)]
        yield fastkml.Placemark(
            name=f"{site.site_id}, {site.period}",
            description=_describe(site, pictures.get((site.region, site.site_id), [])),
            times=fastkml.TimeSpan(begin=_day(site.start), end=_day(site.end)),
            style_url=fastkml.StyleUrl(url=f"#{site.status}"),
            extended_data=fastkml.ExtendedData(elements=data),
        )


def _describe(site: Any, pictures: Iterable[tuple[SitePicture, str]]) -> str:  # noqa: ANN401 - a row of itertuples
    facts = {
        "Status": STATUS_TITLES[site.status],
        "Size": size_text(site.hectares, site.change_hectares),
        "Onset": onset_text(site.onset_after, site.onset_by),
        "Confirmation": site.confirmation,
        "Confidence": site.confidence,
        "Concession": site.concession,
        "Protected area": site.protected_area,
        "Lineage id": site.lineage_id,
    }
    lines = [Markup("<tr><th align='left'>{}</th><td>{}</td></tr>").format(*fact) for fact in facts.items() if fact[1]]
    images = [
        Markup("<td>{} ({})<br><img src='{}' width='{}'></td>").format(
            picture.moment.capitalize(), picture.period, member, SIDE
        )
        for picture, member in pictures
    ]
    table = Markup("<table>{}</table>").format(Markup().join(lines))
    return str(table + Markup("<table><tr>{}</tr></table>").format(Markup().join(images)) if images else table)


def _style(status: str) -> fastkml.Style:
    colour = STATUS_COLOURS[status]
    return fastkml.Style(
        id=status,
        styles=[
            fastkml.IconStyle(color=_colour(colour), scale=0.5, icon=fastkml.Icon(href=_MARK)),
            fastkml.LabelStyle(scale=0.7),
            fastkml.LineStyle(color=_colour(_INK), width=1.5),
            fastkml.PolyStyle(color=_colour(colour, _OPACITY), fill=True, outline=True),
        ],
    )


def _draw_mark() -> bytes:
    image = Image.new("RGBA", (_MARK_SIDE, _MARK_SIDE))
    ImageDraw.Draw(image).ellipse((1, 1, _MARK_SIDE - 2, _MARK_SIDE - 2), "white", _INK, 2)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _colour(colour: Colour, opacity: int = 255) -> str:
    """A colour as KML writes it: opacity, blue, green, red."""
    red, green, blue = colour
    return f"{opacity:02x}{blue:02x}{green:02x}{red:02x}"


def _day(when: pd.Timestamp) -> fastkml.KmlDateTime:
    return fastkml.KmlDateTime(date(when.year, when.month, when.day))
