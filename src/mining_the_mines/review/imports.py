"""Answers that were given elsewhere: on the static page, in Collect Earth Online, in a GIS or in a spreadsheet."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from pydantic import TypeAdapter, ValidationError

from mining_the_mines.chips.label_table import read_label
from mining_the_mines.core.days import read_day
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_values
from mining_the_mines.core.text_tables import read_table
from mining_the_mines.geo.degrees import read_degrees
from mining_the_mines.geo.mine_polygons import measure_hectares, way_to_degrees
from mining_the_mines.geo.vector_files import VectorLayer, read_layers
from mining_the_mines.review.answer_table import LOOK_ALIKES, Answer, Answered
from mining_the_mines.review.places import Place

#: Names that columns have, in small letters. Collect Earth Online puts ``pl_`` before columns of the plots.
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "place_id": ("place_id", "pl_place_id"),
    "longitude": ("longitude", "lon", "center_lon", "x"),
    "latitude": ("latitude", "lat", "center_lat", "y"),
    "answer": ("answer", "label", "class", "mine", "judgement"),
    "look_alike": ("look_alike", "category"),
    "reviewer": ("reviewer", "email", "interpreter"),
    "comment": ("comment", "comments", "notes"),
    "answered_at": ("answered_at", "collection_time", "time", "date"),
    "period": ("period", "pl_period"),
}
#: Column of Collect Earth Online that says whether a plot was set aside.
_FLAG: Final = "flagged"
_TABLES: Final = (".csv", ".tsv", ".txt")
#: Words for an answer that can't be given; those for yes and no are those of label tables.
_UNSURE: Final = frozenset(
    {"cannot_tell", "cannot tell", "can't tell", "can’t tell", "unsure", "unknown", "don't know", "not sure", "?"}
)
#: A place and an answer are the same if their coordinates are no farther apart, in metres: a pixel and half of one.
_NEAR: Final = 15.0
_METRES_A_DEGREE: Final = 111_195.0
#: Smaller polygons are pixels of a sample, and no outlines that somebody drew.
_LEAST_OUTLINE: Final = 0.1
_STATIC: Final[TypeAdapter[dict[str, list[Answered]]]] = TypeAdapter(dict[str, list[Answered]])


@dataclass(frozen=True)
class ImportedAnswers:
    """Answers of a file.

    Attributes:
        answers: The answers.
        empty: Number of rows without an answer.
        strangers: Ids of answers for places that are not in the sample.
    """

    answers: tuple[Answered, ...]
    empty: int
    strangers: tuple[str, ...]


def read_answers(path: Path, places: Sequence[Place], reviewer: str | None) -> ImportedAnswers:
    """Read answers.

    Args:
        path: The JSON file that a static page saves; a table (CSV), also one that Collect Earth Online exports; or a
            vector file. Tables and vector files need an answer and a place a row: ``place_id``, or coordinates.
        places: Places that may be meant.
        reviewer: Name of the reviewer where the file names none.

    Returns:
        The answers. The same row read twice has the same id.

    Raises:
        BadInputError: The file can't be read, or a row has no place, no reviewer or an unknown answer.
    """
    known = {place.place_id: place for place in places}
    if path.suffix.lower() == ".json":
        answers = _read_static(path)
        empty = 0
    else:
        rows = list(_rows(path))
        given = [row for row in rows if row["answer"]]
        answers = [_answer(path, row, known, reviewer) for row in given]
        empty = len(rows) - len(given)
        if not given:
            raise BadInputError(f"{path} holds no answer: its column of answers is empty in all {len(rows)} rows.")
    strangers = tuple(answer.place_id for answer in answers if answer.place_id not in known)
    return ImportedAnswers(tuple(answers), empty, strangers)


def _read_static(path: Path) -> list[Answered]:
    try:
        told = _STATIC.validate_json(path.read_bytes())["answers"]
    except FileNotFoundError:
        raise BadInputError(f"There is no file {path}: check the path.") from None
    except (ValidationError, KeyError) as error:
        first = (
            error.errors(include_url=False, include_input=False)[0]["msg"]
            if isinstance(error, ValidationError)
            else error
        )
        raise BadInputError(
            f"{path} holds no answers of a static review page ({first}): save them again with its key E."
        ) from error
    return [answer.model_copy(update={"origin": "static"}) for answer in told]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a file as text, with the keys of the columns, ``line`` and ``outline``."""
    if path.suffix.lower() in _TABLES:
        wanted = [name for names in _COLUMNS.values() for name in names]
        cells = read_table(path, "table of answers", "a row per answer", wanted)
        columns = _find_columns(path, cells)
        for line, row in zip(cells.index, cells.to_dict("records"), strict=True):
            yield {"line": f"line {line}", "outline": ""} | _values(row, columns)
        return
    for layer in read_layers(path, "shapes"):
        texts = pd.DataFrame({str(name): layer.text(str(name)) for name in layer.attributes.columns})
        columns = _find_columns(path, texts)
        centres, outlines = _place(path, layer)
        for at, row in enumerate(texts.to_dict("records")):
            yield _values(row, columns) | {
                "line": f"feature {layer.numbers[at]}",
                "longitude": f"{centres[at][0]:.7f}",
                "latitude": f"{centres[at][1]:.7f}",
                "outline": outlines[at],
            }


def _values(row: Mapping[Hashable, Any], columns: Mapping[str, str | None]) -> dict[str, Any]:
    return {key: "" if name is None else str(row[name]) for key, name in columns.items()}


def _find_columns(path: Path, cells: pd.DataFrame) -> dict[str, str | None]:
    by_name = {str(column).casefold(): str(column) for column in reversed(cells.columns)}
    found = {key: next((by_name[name] for name in names if name in by_name), None) for key, names in _COLUMNS.items()}
    if found["answer"] is None:  # Collect Earth Online calls the column after the question
        others = {_FLAG, *found.values()}
        alike = [str(name) for name in cells.columns if name not in others and _holds_answers(cells[name])]
        if len(alike) != 1:
            raise BadInputError(
                f"{path} has no column of answers; its columns are {', '.join(map(str, cells.columns))}: call the one "
                "that holds them answer."
            )
        found["answer"] = alike[0]
    return found


def _holds_answers(column: "pd.Series[Any]") -> bool:
    words = {str(text).strip() for text in column} - {""}
    return bool(words) and all(_read_answer(word) is not None and not word.isdecimal() for word in words)


def _place(path: Path, layer: VectorLayer) -> tuple[list[tuple[float, float]], list[str]]:
    """Centres in degrees, and outlines as WKT where polygons are no pixels."""
    _, to_degrees = way_to_degrees(layer.crs, f"The layer {layer.name} of {path}")
    shapes = shapely.transform(layer.geometry, to_degrees)
    centres = shapely.centroid(shapes)
    areal = np.isin(shapely.get_type_id(shapes), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    hectares = np.where(areal, measure_hectares(shapes), 0)
    outlines = [
        shapely.to_wkt(shape, rounding_precision=7) if size > _LEAST_OUTLINE else ""
        for shape, size in zip(shapes, hectares, strict=True)
    ]
    return list(zip(shapely.get_x(centres).tolist(), shapely.get_y(centres).tolist(), strict=True)), outlines


def _read_answer(text: str) -> tuple[Answer, str] | None:
    """The answer that a word means, and the look-alike."""
    word = text.strip().casefold()
    if word in {answer.value for answer in Answer}:
        return Answer(word), ""
    if word in _UNSURE:
        return Answer.CANNOT_TELL, ""
    look = _read_look_alike(word)
    if look is not None:
        return Answer.NO_MINE, look
    label = read_label(text)
    return None if label is None else (Answer.MINE if label else Answer.NO_MINE, "")


def _read_look_alike(text: str) -> str | None:
    word = text.strip().casefold()
    return next((name for name, kind in LOOK_ALIKES.items() if word in {name, kind.title.casefold()}), None)


def _answer(path: Path, row: dict[str, Any], known: Mapping[str, Place], reviewer: str | None) -> Answered:
    where = f"{path}, {row['line']}"
    read = _read_answer(row["answer"])
    if read is None:
        raise BadInputError(
            f"{where}: the answer {row['answer']!r} is unknown; an answer is {', '.join(Answer)}, yes, no, 1, 0 or one "
            f"of {', '.join(LOOK_ALIKES)}."
        )
    answer, look = read
    if answer == Answer.NO_MINE and row["look_alike"]:
        look = _read_look_alike(row["look_alike"]) or "other"
    name = row["reviewer"] or reviewer
    if not name:
        raise BadInputError(f"{where} names no reviewer: name one with --reviewer NAME.")
    place = _find_place(where, row, known)
    given = {
        "reviewer": name, "place_id": place.place_id, "region": place.region, "period": place.period,
        "longitude": place.longitude, "latitude": place.latitude, "answer": answer, "look_alike": look,
        "outline": row["outline"] if answer == Answer.MINE else "", "comment": row["comment"],
        "origin": path.name, "blind": True,
    }  # fmt: skip
    instant = _read_instant(where, row["answered_at"])
    answer_id = hash_values([given, instant])[:32]
    try:
        return Answered.model_validate(
            {**given, "answer_id": answer_id, "answered_at": instant or datetime.now(UTC).isoformat()}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadInputError(f"{where}: {first['loc'][0] if first['loc'] else 'answer'}: {first['msg']}.") from error


def _find_place(where: str, row: dict[str, Any], known: Mapping[str, Place]) -> Place:
    if row["place_id"] in known:
        return known[row["place_id"]]
    try:
        longitude, latitude = read_degrees(row["longitude"], "longitude"), read_degrees(row["latitude"], "latitude")
    except ValueError as error:
        raise BadInputError(f"{where} has the coordinates {row['longitude']}, {row['latitude']}, {error}.") from error
    if longitude is None or latitude is None:
        told = f"the place {row['place_id']}, which is not in the sample, and" if row["place_id"] else "no place_id and"
        raise BadInputError(f"{where} has {told} no coordinates: give longitude and latitude in degrees.")
    near = [place for place in known.values() if _metres(place, longitude, latitude) <= _NEAR]
    near = [place for place in near if row["period"] in {"", place.period}] if not row["place_id"] else []
    if len(near) > 1:
        raise BadInputError(
            f"{where} can mean {' or '.join(place.place_id for place in near)}: name it in a column place_id."
        )
    if near:
        return near[0]
    name = row["place_id"] or f"{latitude:.5f}_{longitude:.5f}"
    return Place(name, "", row["period"], longitude, latitude)


def _metres(place: Place, longitude: float, latitude: float) -> float:
    east = ((place.longitude - longitude + 180) % 360 - 180) * np.cos(np.radians(latitude))
    return float(np.hypot(east, place.latitude - latitude) * _METRES_A_DEGREE)


def _read_instant(where: str, text: str) -> str | None:
    """A time in UTC, or the beginning of a day; ``None`` if there is none."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        day, _, clock = text.partition(" ")
        try:
            found = read_day(day)
        except ValueError as error:
            raise BadInputError(f"{where} has the time {text}: {error}.") from error
        assert isinstance(found, date)  # noqa: S101 - of a text
        instant = datetime.combine(found, _clock(clock))
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        return time()
