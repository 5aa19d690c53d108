"""Answers of reviewers: an answer, the look-alikes of mines, and the table of answers."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple

import pandas as pd
import shapely
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    model_validator,
)


class Answer(StrEnum):
    """Judgement of a place."""

    MINE = "mine"
    NO_MINE = "no_mine"
    CANNOT_TELL = "cannot_tell"


class LookAlike(NamedTuple):
    """A kind of ground that is taken for a mine.

    Attributes:
        title: On the button.
        signs: How a person tells it from a mine.
    """

    title: str
    signs: str


#: Kinds of ground that are taken for mines, in the order of the keys 1 to 8. The simulated archive has seven of them.
LOOK_ALIKES: Final = MappingProxyType(
    {
        "river": LookAlike("River, sand bank", "bright sand in the bends of a river, long and smooth"),
        "farmland": LookAlike("Field, pasture", "straight edges, even colour; green in one period and bare in another"),
        "bare_soil": LookAlike("Bare soil, burnt land", "one even patch without ponds, pits or tracks"),
        "town": LookAlike("Town, building site", "a street grid, many small bright roofs"),
        "road": LookAlike("Road, airstrip", "a long narrow line of even width"),
        "ponds": LookAlike("Fish ponds", "rows of ponds of the same size with straight dikes"),
        "water": LookAlike("Lake, reservoir", "one dark sheet of water, with a pale rim where the water has fallen"),
        "other": LookAlike("Something else", "clouds and their shadows, rock, dunes, or forest alone"),
    }
)  # fmt: skip

#: Longest name of a reviewer and longest comment, in characters, and most corners of an outline.
LONGEST_NAME: Final = 60
LONGEST_COMMENT: Final = 2000
MOST_CORNERS: Final = 500
#: Longest outline as WKT: about 40 characters a corner.
_LONGEST_OUTLINE: Final = 40 * MOST_CORNERS
#: Numbers alone: neither NaN nor heights.
_POLYGON: Final = re.compile(r"(?:MULTI)?POLYGON ?[-+0-9.eE, ()]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _clean(text: object) -> object:
    """Text without control characters, in Unicode's composed form, without blanks around it."""
    return unicodedata.normalize("NFC", _CONTROL.sub(" ", text)).strip() if isinstance(text, str) else text


def _is_outline(text: str) -> str:
    if not text:
        return text
    shape = shapely.from_wkt(text, on_invalid="ignore") if _POLYGON.fullmatch(text) else None
    if shape is None or shapely.is_empty(shape):
        raise ValueError("an outline must be a polygon as WKT, in degrees of WGS 84")
    west, south, east, north = shapely.bounds(shape).tolist()
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError("an outline must lie on the Earth, in degrees of WGS 84")
    if shapely.get_num_coordinates(shape) > MOST_CORNERS:
        raise ValueError(f"an outline can have {MOST_CORNERS} corners at most")
    if not shapely.is_valid(shape) or shapely.area(shape) == 0:
        raise ValueError("the line of an outline must not cross itself")
    return text


def _is_instant(text: str) -> str:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time needs its zone")
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")


Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), BeforeValidator(_clean)]
Instant = Annotated[str, AfterValidator(_is_instant), Field(max_length=40)]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,100}$")]
_Short = Annotated[str, StringConstraints(max_length=400), BeforeValidator(_clean)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reviewer: Name = Field(description="Name that the reviewer gave.")
    place_id: _Id = Field(description="Id of the place in the sample or table of sites.")
    answered_at: Instant = Field(description="Time at which it happened, ISO 8601 in UTC.")


class Answered(_Entry):
    """A reviewer answered."""

    kind: Literal["answered"] = "answered"
    answer_id: _Id = Field(description="Id of the answer, unique.")
    region: _Short = Field("", description="Region of the place.")
    period: _Short = Field("", description="Name of the period that was judged.")
    longitude: float = Field(ge=-180, le=180, description="Degrees east of the place's centre.")
    latitude: float = Field(ge=-90, le=90, description="Degrees north.")
    answer: Answer = Field(description="The judgement.")
    look_alike: str = Field("", description="Key of LOOK_ALIKES where the answer is no mine; empty if not said.")
    outline: Annotated[str, AfterValidator(_is_outline), Field(max_length=_LONGEST_OUTLINE)] = Field(
        "", description="Outline of the mine that the reviewer drew, WKT in degrees of WGS 84."
    )
    comment: Annotated[str, StringConstraints(max_length=LONGEST_COMMENT), BeforeValidator(_clean)] = ""
    blind: bool = Field(description="False if the reviewer had asked for the map's answer before.")
    seconds: float | None = Field(None, ge=0, le=86_400, description="Time that the answer took.")
    images: Annotated[str, Field(max_length=2000)] = Field("", description="Ids of the images shown, blank-separated.")
    origin: _Short = Field(description="page, static, or the name of the imported file.")

    @model_validator(mode="after")
    def _belongs_together(self) -> "Answered":
        if self.look_alike and self.look_alike not in LOOK_ALIKES:
            raise ValueError(f"there is no look-alike {self.look_alike!r}: they are {', '.join(LOOK_ALIKES)}")
        if self.look_alike and self.answer != Answer.NO_MINE:
            raise ValueError("a look-alike is named only where there is no mine")
        if self.outline and self.answer != Answer.MINE:
            raise ValueError("an outline is drawn only around a mine")
        return self


class TakenBack(_Entry):
    """A reviewer took an answer back."""

    kind: Literal["taken_back"] = "taken_back"
    answer_id: _Id = Field(description="Id of the answer that no longer counts.")


class Shown(_Entry):
    """A reviewer asked for the map's answer: later answers of theirs on this place are not blind."""

    kind: Literal["shown"] = "shown"


Entry = Answered | TakenBack | Shown


class LogLine(RootModel[Annotated[Entry, Field(discriminator="kind")]]):
    """A line of the file of answers."""


#: Columns of the table of answers and their types; :class:`Answered` describes them. One row per reviewer and place:
#: the newest answer that was not taken back.
ANSWER_COLUMNS: Final = MappingProxyType(
    {
        "place_id": "str", "region": "str", "period": "str", "longitude": "float64", "latitude": "float64",
        "reviewer": "str", "answer": "str", "look_alike": "str", "outline": "str", "comment": "str", "blind": "bool",
        "seconds": "float64", "answered_at": "datetime64[ms]", "images": "str", "origin": "str", "answer_id": "str",
    }
)  # fmt: skip


def answer_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a table of answers of rows, with all columns in order and in their types.

    Args:
        rows: Values by column; a text left out is empty, a number missing, ``blind`` true. ``answered_at`` is text or
            a time, in UTC where it names no zone.

    Returns:
        The table, sorted by place, reviewer and time.
    """
    frame = pd.DataFrame(rows, columns=list(ANSWER_COLUMNS), dtype=object)
    usual = {name: "" for name, kind in ANSWER_COLUMNS.items() if kind == "str"} | {"blind": True}
    instants = pd.to_datetime(frame["answered_at"], utc=True, format="ISO8601").dt.tz_localize(None)
    typed = frame.fillna(usual).assign(answered_at=instants).astype(dict(ANSWER_COLUMNS))
    return typed.sort_values(["place_id", "reviewer", "answered_at"], ignore_index=True)


def standing_answers(entries: Iterable[Entry]) -> list[Answered]:
    """Find the answers that count: of each reviewer and place the newest that was not taken back.

    Args:
        entries: In the order in which they were written; of two answers at one time, the later one is newer.

    Returns:
        The answers in the order of their times.
    """
    standing: dict[str, Answered] = {}
    for entry in entries:
        match entry:
            case Answered():
                standing.setdefault(entry.answer_id, entry)  # the same answer sent twice is one
            case TakenBack():
                standing.pop(entry.answer_id, None)
    newest: dict[tuple[str, str], Answered] = {}
    for answer in sorted(standing.values(), key=lambda answer: answer.answered_at):
        newest.pop((answer.reviewer, answer.place_id), None)
        newest[answer.reviewer, answer.place_id] = answer
    return list(newest.values())
