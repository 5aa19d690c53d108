"""What people call the thing whose origin they want to know."""

from pathlib import Path

import pytest

from mining_the_mines.ledger.lineage import LineageError
from mining_the_mines.ledger.lineage_subject import Subject, find_subject
from mining_the_mines.ledger.store import Ledger
from support.recorded_runs import LATER_RUN, VERSION, Books, write_map


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Two versions of a report, maps of two runs in one folder, and labels that nobody made."""
    books = Books(tmp_path)
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    books.record("write", [labels], [books.file("report", "one", "data/08_reporting/report.html", VERSION)])
    books.record("map", [labels], [write_map(books, "aa" * 32)])
    books.run_id = LATER_RUN
    books.record("write", [labels], [books.file("report", "two", "data/08_reporting/report.html", "2026-04")])
    books.record("map", [labels], [write_map(books, "bb" * 32)])
    return books


def find(books: Books, asked: str) -> Subject:
    return find_subject(asked, books.ledger, books.project)


def test_a_dataset_alone_is_what_was_written_last(books: Books) -> None:
    assert find(books, "report").state.version == "2026-04"


def test_a_version_is_found(books: Books) -> None:
    assert find(books, f"report:{VERSION}").state.version == VERSION


def test_the_first_digits_of_a_hash_are_enough(books: Books) -> None:
    held = find(books, f"report:{VERSION}").state.content_hash
    assert find(books, f"report:{held[:12]}").state.version == VERSION


def test_the_origin_that_a_polygon_names_is_the_map_of_one_scene(books: Books) -> None:
    found = find(books, "scene_maps:aaaaaaaaaaaa")
    assert found.part == "tapajos"
    assert found.state.parts["tapajos"] == "aa" * 32


def test_a_file_in_the_folder_of_a_map_is_that_map_as_it_was_made_last(books: Books) -> None:
    found = find(books, str(books.project / "data/07_model_output/maps/tapajos/mines.gpkg"))
    assert (found.state.dataset, found.part) == ("scene_maps", "tapajos")
    assert found.state.parts["tapajos"] == "bb" * 32


@pytest.mark.parametrize("inside", [f"{VERSION}/report.html", VERSION])
def test_a_file_of_a_version_is_that_version(books: Books, inside: str) -> None:
    found = find(books, str(books.project / "data/08_reporting/report.html" / inside))
    assert found.state.version == VERSION


def test_the_folder_of_all_versions_is_the_last_one(books: Books) -> None:
    assert find(books, str(books.project / "data/08_reporting/report.html")).state.version == "2026-04"


def test_a_path_may_be_told_from_where_one_stands(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(books.project / "data/01_raw")
    found = find(books, "labels.csv")
    assert found.state.dataset == "labels"
    assert found.reader is not None


def test_an_unknown_dataset_is_told_with_those_that_sound_like_it(books: Books) -> None:
    with pytest.raises(LineageError, match=r"^No record knows a dataset reports: name another one, such as report,"):
        find(books, "reports")


def test_an_unknown_version_is_told_with_those_that_are_there(books: Books) -> None:
    with pytest.raises(LineageError, match=rf"knows report:2020: name .* such as 2026-04, {VERSION}\.$"):
        find(books, "report:2020")


def test_a_file_that_no_run_has_left_is_told(books: Books) -> None:
    with pytest.raises(LineageError, match=r"^No record tells how /etc/hosts was made: name a file"):
        find(books, "/etc/hosts")


def test_where_there_are_no_records_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(LineageError, match="holds no records, so nothing can be traced here"):
        find_subject("report", Ledger(tmp_path), tmp_path)
