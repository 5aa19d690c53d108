"""What is written down before it is sent."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.entries import Artifact, Ended, Entry, Metrics, Params, Started, Tags, read_entry
from mining_the_mines.tracking.journal import Destination, Journal, create, take_over

DESTINATION = Destination(address="https://runs.example.org", experiment_id="1", run_id="abc", name="training")


def begun(folder: Path, count: int = 3) -> Journal:
    journal = create(folder, DESTINATION)
    for number in range(count):
        journal.append(Tags(values={"number": str(number)}))
    return journal


def numbers(journal: Journal) -> list[str]:
    return [each.entry.values["number"] for each in journal.pending(100) if isinstance(each.entry, Tags)]


names = st.text(max_size=20)
whole = st.integers(0, 2**53)
figures = st.dictionaries(names, st.floats(allow_nan=False))
entries = st.one_of(
    st.builds(Started, child=names, name=names, time=whole),
    st.builds(Tags, child=names, values=st.dictionaries(names, names)),
    st.builds(Params, child=names, values=st.dictionaries(names, names)),
    st.builds(Metrics, values=figures, step=whole, time=whole),
    st.builds(Artifact, copy_at=names, folder=names),
    st.builds(Ended, child=names, status=names, time=whole),
)


@given(entry=entries)
def test_whatever_is_told_is_read_as_it_was_written_on_one_line(entry: Entry) -> None:
    line = entry.model_dump_json().encode()
    assert b"\n" not in line
    assert read_entry(line) == entry


def test_a_loss_that_is_no_number_is_kept_as_such() -> None:
    read = read_entry(Metrics(values={"loss": math.nan}, step=0, time=0).model_dump_json().encode())
    assert isinstance(read, Metrics)
    assert math.isnan(read.values["loss"])


def test_who_takes_a_journal_over_goes_on_where_sending_was(tmp_path: Path) -> None:
    journal = begun(tmp_path / "abc")
    journal.note_sent(journal.pending(1)[0].place)
    journal.note_child("key", "id")
    journal.close()
    again = take_over(tmp_path / "abc")
    assert again is not None
    assert numbers(again) == ["1", "2"]
    assert again.sent.children == {"key": "id"}
    assert again.destination == DESTINATION


def test_a_line_that_was_torn_by_a_kill_is_left_out_and_the_next_one_whole(tmp_path: Path) -> None:
    begun(tmp_path / "abc").close()
    path = tmp_path / "abc/journal.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    again = take_over(tmp_path / "abc")
    assert again is not None
    again.append(Tags(values={"number": "3"}))
    assert numbers(again) == ["0", "1", "3"]


def test_a_journal_in_use_is_nobody_elses(tmp_path: Path) -> None:
    journal = begun(tmp_path / "abc")
    assert take_over(tmp_path / "abc") is None
    with pytest.raises(BadInputError, match="in use by another process"):
        create(tmp_path / "abc", DESTINATION)
    journal.close()


def test_a_folder_that_holds_no_journal_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert take_over(tmp_path / "other") is None
    assert take_over(tmp_path / "nothing") is None


def test_what_a_server_refuses_is_kept_with_the_reason(tmp_path: Path) -> None:
    journal = begun(tmp_path / "abc")
    journal.note_refused(Params(values={"a": "b"}), "It is known with another value.")
    assert journal.refusals() == ["It is known with another value."]


def test_an_artifact_is_kept_as_it_was(tmp_path: Path) -> None:
    file, folder = tmp_path / "scores.csv", tmp_path / "maps"
    file.write_text("before", encoding="utf-8")
    folder.mkdir()
    (folder / "a.json").write_text("before", encoding="utf-8")
    journal = begun(tmp_path / "abc")
    copies = [journal.folder / journal.keep(path) for path in (file, folder)]
    file.write_text("after", encoding="utf-8")
    (folder / "a.json").write_text("after", encoding="utf-8")
    assert copies[0].read_text(encoding="utf-8") == (copies[1] / "a.json").read_text(encoding="utf-8") == "before"


def test_copies_of_two_processes_are_not_in_each_others_way(tmp_path: Path) -> None:
    journal = begun(tmp_path / "abc")
    first = journal.new_place("scores.csv")
    journal.close()
    again = take_over(tmp_path / "abc")
    assert again is not None
    assert again.new_place("scores.csv") != first
