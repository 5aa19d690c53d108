"""Days on which the images of a raster were taken, as its tags and its name tell them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import rasterio
from rasterio.errors import RasterioError

#: Sentinel-2A took its first images on this day (ESA): no scene is older.
FIRST_LIGHT: Final = date(2015, 6, 27)
#: Tags that tell when images were taken: of one image, and of the first and the last of several. GDAL's domain IMAGERY,
#: the products of ESA, SNAP, Earth Engine, STAC and Planet have them.
_TAKEN: Final = (
    "ACQUISITIONDATETIME", "ACQUISITION_DATETIME", "ACQUISITION_DATE", "DATE_ACQUIRED", "SENSING_TIME",
    "DATATAKE_1_DATATAKE_SENSING_START", "DATATAKE_SENSING_START", "PRODUCT_START_TIME",
    "PRODUCT_SCENE_RASTER_START_TIME", "SYSTEM_TIME_START", "DATETIME", "DATE",
)  # fmt: skip
_FIRST_AND_LAST: Final = ("START", "END")
#: The day of the image in the files of Planet and others; programs that write their own name beside it mean the day on
#: which they wrote the file. It counts where nothing else tells a day.
_OF_THE_FILE: Final = "TIFFTAG_DATETIME"
_PROGRAM: Final = "TIFFTAG_SOFTWARE"
#: Domains of metadata with such tags, beside the usual one.
_DOMAIN: Final = "IMAGERY"
#: A day in a text: 20230701, 2023-07-01, 2023:07:01, 2023_07_01.
_DAY: Final = re.compile(r"(?<!\d)(20[1-4]\d)([-_:.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
#: Between the first and the last day in a name: 2023-07-01_2023-07-31, 20230701T140051-20230731T140051.
_SPAN: Final = re.compile(r"(?:[-_T ]*\d{2}[-_:]?\d{2}(?:[-_:]?\d{2})?Z?)?[-_ ]+(?:to[-_ ]+)?", re.IGNORECASE)
#: Milliseconds since 1970, as Earth Engine has them.
_MILLISECONDS: Final = re.compile(r"1[4-9]\d{11}(?:\.0*)?")
#: The name of a product or granule of Sentinel-2; the day of its processing follows in some.
_PRODUCT: Final = re.compile(r"(?:MSIL[12][AC]_|(?<![A-Z\d])T?\d{2}[C-X][A-Z][A-V]_)(\d{8})(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class FoundDates:
    """Days that a raster tells.

    Attributes:
        days: First and last day, or one day; empty if none is told, or several that contradict each other.
        where: The tag or the name that tells them, for a message; of a contradiction, both with their days.
    """

    days: tuple[date, ...] = ()
    where: str = ""


def find_dates(path: Path) -> FoundDates:
    """Find the days on which the images of a raster were taken.

    Args:
        path: The raster; one that can't be read tells nothing but its name.

    Returns:
        The days; none where the file name and the tags contradict each other.
    """
    try:
        with rasterio.open(path) as source:
            tags = {**source.tags(ns=_DOMAIN), **source.tags()}
    except RasterioError:
        tags = {}
    # GDAL splits names at a colon: system:time_start=1 becomes the tag "system" with the value "time_start=1".
    parts = (f"{name}={value}".rpartition("=") for name, value in tags.items())
    told = dict(_told({re.sub(r"\W", "_", name).upper(): value for name, _, value in parts}, path.stem))
    if len(set(told.values())) > 1:
        contradiction = ", ".join(f"{where}: {' to '.join(map(str, days))}" for where, days in told.items())
        return FoundDates(where=contradiction)
    where, days = next(iter(told.items()), ("", ()))
    return FoundDates(days, where)


def _told(tags: Mapping[str, str], name: str) -> Iterator[tuple[str, tuple[date, ...]]]:
    """Yield where days are told, and the days."""
    found = False
    for tag in _TAKEN:
        days = _days_in(tags.get(tag, ""))
        if len(days) == 1:
            found = True
            yield f"tag {tag}", days
    span = _ordered(day for tag in _FIRST_AND_LAST for day in _days_in(tags.get(tag, "")))
    if all(tags.get(tag) for tag in _FIRST_AND_LAST) and span and not found:
        found = True
        yield "tags START and END", span
    days = _days_of_name(name)
    if days:
        found = True
        yield "file name", days
    days = _days_in(tags.get(_OF_THE_FILE, ""))
    if len(days) == 1 and not found and not tags.get(_PROGRAM):
        yield f"tag {_OF_THE_FILE}", days


def _days_of_name(name: str) -> tuple[date, ...]:
    """Days in a file's name: of a product, one day, or the first and the last side by side."""
    product = _PRODUCT.search(name)
    if product:
        return _days_in(product[1])
    days, places = _days_in(name), [found.span() for found in _DAY.finditer(name)]
    if len(days) > 1 and not (len(places) == 2 and _SPAN.fullmatch(name[places[0][1] : places[1][0]])):
        return ()
    return days


def _days_in(text: str) -> tuple[date, ...]:
    if _MILLISECONDS.fullmatch(text.strip()):
        return _ordered([datetime.fromtimestamp(float(text) / 1000, UTC).date()])
    return _ordered(day for found in _DAY.finditer(text) if (day := _day(*found.group(1, 3, 4))))


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _ordered(days: Iterable[date]) -> tuple[date, ...]:
    """The days on which Sentinel-2 can have taken an image, each once."""
    return tuple(sorted({day for day in days if FIRST_LIGHT <= day <= datetime.now(UTC).date()}))
