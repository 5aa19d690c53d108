"""Degrees as people write them, and longitudes on either side of the antimeridian."""

import re
import unicodedata
from typing import Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt

Axis = Literal["longitude", "latitude"]
_Number = TypeVar("_Number", float, npt.NDArray[np.float64])

#: Signs that stand for degrees, minutes, seconds and minus on keyboards and in word processors.
_SIGNS: Final = str.maketrans(
    {"º": "°", "˚": "°", "′": "'", "’": "'", "‘": "'", "´": "'", "`": "'", "″": '"', "”": '"', "“": '"', "−": "-",
     "–": "-", "—": "-"}
)  # fmt: skip
#: Cells that say that nothing is known.
_MISSING: Final = frozenset({"", "-", "?", "na", "n/a", "#n/a", "nan", "none", "null"})
_NUMBER: Final = r"\d+(?:[.,]\d+)?"
_DECIMAL: Final = re.compile(rf"(?P<degrees>[+-]?(?:{_NUMBER}|[.,]\d+)(?:[eE][+-]?\d+)?) ?(?:°|deg)?")
_MINUTES: Final = re.compile(
    rf"(?P<degrees>[+-]?\d+)(?: ?(?P<sign>°|deg|d|:) ?| )(?P<minutes>{_NUMBER})(?: ?(?P<mark>'|min|m|:) ?| |$)"
    rf"(?:(?P<seconds>{_NUMBER}) ?(?:\"|''|sec|s)?)?"
)
_LETTER: Final = re.compile(r"(?P<before>[NSEWO])? ?(?P<number>.*?) ?(?P<after>[NSEWO])?", re.IGNORECASE)
#: The unit of seconds behind minutes, which is no south.
_SECONDS: Final = re.compile(rf"(m(?:in)? ?{_NUMBER}) ?s(?:ec)?(?=[ NSEWO]*$)", re.IGNORECASE)
_AXES: Final[dict[Axis, tuple[str, float, float]]] = {"longitude": ("EW", -180, 360), "latitude": ("NS", -90, 90)}


def read_degrees(text: str, axis: Axis) -> float | None:
    """Read a coordinate.

    Understood are decimals with a point or comma, degrees and minutes with or without seconds (``55°30'15.5"W``,
    ``W 55 30.25'``, ``-55:30:15``), hemisphere letters N, S, E and W, and longitudes up to 360.

    Args:
        text: The cell of a table.
        axis: Coordinate that it is.

    Returns:
        Degrees of longitude from −180 to 180 or of latitude from −90 to 90; ``None`` where the cell says that nothing
        is known.

    Raises:
        ValueError: The text has no reading, or more than one; the message says so in half a sentence.
    """
    plain = " ".join(unicodedata.normalize("NFC", text).translate(_SIGNS).split())
    if plain.casefold() in _MISSING:
        return None
    letters, low, high = _AXES[axis]
    found = _LETTER.fullmatch(_SECONDS.sub(r"\1", plain))
    if found is None or (found["before"] and found["after"]):
        raise ValueError("which names two hemispheres")
    letter = (found["before"] or found["after"] or "").upper()
    if letter == "O":
        raise ValueError("and O is east in one language and west in others: write E or W")
    if letter and letter not in letters:
        raise ValueError(f"which is no {axis}: are the columns swapped?")
    degrees = _angle(found["number"].lower())
    if letter and found["number"].startswith(("-", "+")):
        raise ValueError("which has a sign and a letter: leave one of them out")
    if letter in {"S", "W"}:
        degrees = -degrees
    if not low <= degrees <= high:
        raise ValueError(f"which lies beyond {low:g} to {high:g} degrees")
    return wrap_longitude(degrees) if axis == "longitude" else degrees


def _angle(text: str) -> float:
    if found := _DECIMAL.fullmatch(text):
        return float(found["degrees"].replace(",", "."))
    found = _MINUTES.fullmatch(text)
    if found is None:
        raise ValueError("which is no number of degrees" if text.count(".") + text.count(",") < 2 else
                         "which has thousands points or several decimal points")  # fmt: skip
    if found["sign"] is None and found["seconds"] is None and found["mark"] is None:
        raise ValueError("which can be degrees and minutes, or a number with a blank: write degrees with a point")
    minutes = float(found["minutes"].replace(",", "."))
    seconds = float((found["seconds"] or "0").replace(",", "."))
    if minutes >= 60 or seconds >= 60:
        raise ValueError("which has 60 minutes or seconds or more")
    whole = abs(int(found["degrees"])) + minutes / 60 + seconds / 3600
    return -whole if found["degrees"].startswith("-") else whole


def wrap_longitude(longitude: _Number) -> _Number:
    """Bring longitudes into the range from −180 to 180 degrees; those within it are unchanged."""
    wrapped = (longitude + 180) % 360 - 180
    if isinstance(longitude, np.ndarray):
        return np.where(np.abs(longitude) <= 180, longitude, wrapped)
    return longitude if abs(longitude) <= 180 else wrapped


def middle_longitude(west: _Number, east: _Number) -> _Number:
    """The longitude half-way from west to east, where west is greater than east across the antimeridian."""
    return wrap_longitude(west + (east - west) % 360 / 2)


def longitude_span(longitudes: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The narrowest span that holds all longitudes; its west is greater than its east across the antimeridian.

    Args:
        longitudes: Degrees, float64 (places,), at least one.
    """
    ordered = np.unique(wrap_longitude(longitudes))
    gaps = np.diff(ordered, append=ordered[0] + 360)
    widest = int(gaps.argmax())
    return float(ordered[(widest + 1) % len(ordered)]), float(ordered[widest])
