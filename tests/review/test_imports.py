"""Answers that were given elsewhere."""

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.review.answer_table import Answered
from mining_the_mines.review.imports import ImportedAnswers, read_answers
from mining_the_mines.review.places import places_of_sample
from support.reviews import answer_of, sample_of

SAMPLE = sample_of()
PLACES = places_of_sample(SAMPLE)


def read(path: Path, reviewer: str | None = "Ana") -> ImportedAnswers:
    return read_answers(path, PLACES, reviewer)


def write(folder: Path, text: str, name: str = "answers.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(text, encoding)
    return path


def told(answers: tuple[Answered, ...]) -> list[tuple[str, str, str]]:
    return [(answer.place_id, answer.answer.value, answer.look_alike) for answer in answers]


def test_table(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "place_id,answer,reviewer,answered_at\n"
        "north_2021_0,mine,Ana,2026-11-30T12:00:00+02:00\nnorth_2021_1,fish ponds,Ben,\nnorth_2021_2,unsure,Ben,\n",
    )
    found = read(path, None)
    assert told(found.answers) == [
        ("north_2021_0", "mine", ""),
        ("north_2021_1", "no_mine", "ponds"),
        ("north_2021_2", "cannot_tell", ""),
    ]
    first = found.answers[0]
    assert (first.reviewer, first.answered_at, first.origin) == ("Ana", "2026-11-30T10:00:00.000+00:00", "answers.csv")
    assert first.longitude == PLACES[0].longitude
    assert found.strangers == ()


def test_table_of_a_spreadsheet(tmp_path: Path) -> None:
    """A byte order mark, semicolons, decimal commas, days turned round, empty rows."""
    place = PLACES[1]
    degrees = f"{place.longitude:.6f};{place.latitude:.6f}".replace(".", ",")
    path = write(
        tmp_path,
        f"LONGITUDE;LATITUDE;Mine;Date\r\n{degrees};sim;30.11.2026\r\n;;;\r\n{degrees};;\r\n",
        encoding="utf-8-sig",
    )
    found = read(path)
    assert told(found.answers) == [("north_2021_1", "mine", "")]
    assert found.answers[0].answered_at == "2026-11-30T00:00:00.000+00:00"
    assert found.empty == 1


def test_export_of_collect_earth_online(tmp_path: Path) -> None:
    rows = "".join(
        f"{number},{number}1,{place.longitude:.7f},{place.latitude:.7f},ana@example.org,FALSE,2026-11-30 12:3{number},"
        f"12.3 secs,{place.place_id},{word}\n"
        for number, (place, word) in enumerate(zip(PLACES, ("Yes", "No", "Can't tell"), strict=True), start=1)
    )
    header = (
        "plotid,sampleid,lon,lat,email,flagged,collection_time,analysis_duration,pl_place_id,Is the place a mine?\n"
    )
    found = read(write(tmp_path, header + rows), None)
    assert [word for _, word, _ in told(found.answers)] == ["mine", "no_mine", "cannot_tell"]
    assert {answer.reviewer for answer in found.answers} == {"ana@example.org"}
    assert found.answers[0].answered_at == "2026-11-30T12:31:00.000+00:00"


def test_vector_file(tmp_path: Path) -> None:
    drawn = SAMPLE.geometry.to_crs(32721).buffer(60).to_crs(4326)
    path = tmp_path / "labels.gpkg"
    labels = gpd.GeoDataFrame({"label": [1, 0, 1]}, geometry=[drawn[0], drawn[1], SAMPLE.geometry[2]], crs=4326)
    labels.to_crs(32721).to_file(path)
    found = read(path)
    assert told(found.answers) == [(place.place_id, word, "") for place, word in
                                   zip(PLACES, ("mine", "no_mine", "mine"), strict=True)]  # fmt: skip
    outlines = [shapely.from_wkt(answer.outline) if answer.outline else None for answer in found.answers]
    assert outlines[1:] == [None, None], "no mine has no outline, and a pixel is none"
    assert shapely.equals_exact(outlines[0], drawn[0], tolerance=1e-6)


def test_answers_of_the_static_page(tmp_path: Path) -> None:
    answer = answer_of("a1", outline="POLYGON ((0 0, 1 0, 1 1, 0 0))")
    path = write(tmp_path, json.dumps({"answers": [answer.model_dump(mode="json")]}), "answers Ana.json")
    assert read(path).answers == (answer.model_copy(update={"origin": "static"}),)


def test_places_that_are_not_in_the_sample_are_kept_and_named(tmp_path: Path) -> None:
    path = write(tmp_path, "longitude,latitude,answer\n12.5,-3.25,mine\n12.5,-3.5,no\n")
    found = read(path)
    assert found.strangers == ("-3.25000_12.50000", "-3.50000_12.50000")
    assert (found.answers[0].longitude, found.answers[0].latitude) == (12.5, -3.25)


def test_the_same_file_twice_gives_the_same_ids(tmp_path: Path) -> None:
    path = write(tmp_path, "place_id,answer\nnorth_2021_0,mine\nnorth_2021_1,mine\n")
    first, again = ([answer.answer_id for answer in read(path).answers] for _ in range(2))
    assert first == again
    assert len(set(first)) == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "place_id,answer\nnorth_2021_0,volcano\n",
            "line 2: the answer 'volcano' is unknown; an answer is mine, no_mine",
        ),
        ("place_id,verdict\nnorth_2021_0,volcano\n", "has no column of answers; its columns are place_id, verdict"),
        ("place_id,answer\nsouth_1,mine\n", "line 2 has the place south_1, which is not in the sample, and no coord"),
        ("answer\nmine\n", "line 2 has no place_id and no coordinates"),
        ("longitude,latitude,answer\n12,95,mine\n", "line 2 has the coordinates 12, 95, which lies beyond -90 to 90"),
        ("place_id,answer,date\nnorth_2021_0,mine,01/02/2026\n", "write the year first"),
        ("place_id,answer\nnorth_2021_0,\n", "holds no answer"),
        ("", "is empty"),
    ],
)
def test_tables_that_can_not_be_read(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(BadInputError, match=fault):
        read(write(tmp_path, text))


def test_no_reviewer(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="names no reviewer: name one with --reviewer NAME"):
        read(write(tmp_path, "place_id,answer\nnorth_2021_0,mine\n"), None)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"answers": [{"kind": "answered"}]}'])
def test_no_answers_of_the_static_page(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInputError, match="holds no answers of a static review page"):
        read(write(tmp_path, text, "a.json"))


def test_missing_file(tmp_path: Path) -> None:
    for name in ("a.json", "a.csv", "a.gpkg"):
        with pytest.raises(BadInputError, match=rf"{name}"):
            read(tmp_path / name)
