"""Answers on the disk outlive other reviewers, kills and full disks."""

import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mining_the_mines.core.errors import BadInputError, UnwritableError
from mining_the_mines.datasets.review import ReviewAnswersDataset
from mining_the_mines.review.answer_log import AnswerLog
from mining_the_mines.review.answer_table import (
    ANSWER_COLUMNS,
    Answered,
    Entry,
    Shown,
    TakenBack,
    answer_table,
    standing_answers,
)
from support.reviews import answer_of, full_disk


@pytest.fixture
def log(tmp_path: Path) -> AnswerLog:
    return AnswerLog(tmp_path / "answers.jsonl")


def taken_back(answer_id: str) -> TakenBack:
    return TakenBack(
        reviewer="Ana", place_id="north_2021_0", answer_id=answer_id, answered_at="2026-11-30T12:01:00+00:00"
    )


def test_reads_what_was_written(log: AnswerLog) -> None:
    shown = Shown(reviewer="Ana", place_id="north_2021_0", answered_at="2026-11-30T12:01:00+00:00")
    written: list[Entry] = [answer_of(comment="Zuñiga's\npit"), taken_back("a1"), shown]
    log.append(written[:1])
    log.append(written[1:])
    assert log.entries() == written
    assert AnswerLog(log.path).entries() == written


def test_no_file_is_no_answer(log: AnswerLog) -> None:
    assert log.entries() == []


def _append_many(path: Path, reviewer: str) -> None:
    log = AnswerLog(path)
    for number in range(40):
        log.append([answer_of(f"{reviewer}{number}", reviewer=reviewer)])


def test_reviewers_in_two_processes_lose_nothing(log: AnswerLog) -> None:
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_append_many, [log.path] * 2, ["Ana", "Ben"]))
    ids = [entry.answer_id for entry in log.entries() if isinstance(entry, Answered)]
    assert sorted(ids) == sorted(f"{name}{number}" for name in ("Ana", "Ben") for number in range(40))


def test_a_kill_loses_no_stored_answer(log: AnswerLog) -> None:
    script = (
        "import sys; from pathlib import Path; from support.reviews import answer_of, full_disk\n"
        "from mining_the_mines.review.answer_log import AnswerLog\n"
        "log = AnswerLog(Path(sys.argv[1]))\n"
        "for number in range(10**6): log.append([answer_of(f'n{number}')]); print(number, flush=True)"
    )
    tests = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {tests!r})\n{script}", str(log.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    stored = [line for line in told if line.endswith("\n")]
    assert len(stored) <= len(log.entries()) <= len(stored) + 1
    log.append([answer_of("last")])
    assert log.entries()[-1] == answer_of("last")


def test_half_a_line_is_removed_by_the_next_answer(log: AnswerLog) -> None:
    log.append([answer_of("a1")])
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + whole[:50])
    assert AnswerLog(log.path).entries() == [answer_of("a1")]
    log.append([answer_of("a2")])
    assert AnswerLog(log.path).entries() == [answer_of("a1"), answer_of("a2")]


def test_a_full_disk_leaves_the_file_as_it_was(log: AnswerLog) -> None:
    log.append([answer_of("a1")])
    before = log.path.read_bytes()
    with (
        full_disk(log.path),
        pytest.raises(UnwritableError, match=r"answers\.jsonl can't be written .*free some space"),
    ):
        log.append([answer_of("a2")])
    assert log.path.read_bytes() == before
    assert log.entries() == [answer_of("a1")]


def test_a_foreign_line_is_named(log: AnswerLog) -> None:
    log.append([answer_of()])
    with log.path.open("a") as file:
        file.write('{"kind": "guess"}\n')
    with pytest.raises(BadInputError, match=r"Line 2 of .*answers\.jsonl is no answer"):
        log.entries()


def test_newest_answer_stands_until_it_is_taken_back() -> None:
    first, second = answer_of("a1", answer="mine"), answer_of("a2", answer="no_mine", look_alike="river")
    assert standing_answers([first, second]) == [second]
    assert standing_answers([first, second, taken_back("a2")]) == [first]
    assert standing_answers([first, taken_back("a1")]) == []
    assert standing_answers([first, answer_of("b1", reviewer="Ben")]) == [first, answer_of("b1", reviewer="Ben")]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"answer": "perhaps"}, "'mine', 'no_mine' or 'cannot_tell'"),
        ({"answer": "no_mine", "look_alike": "volcano"}, "there is no look-alike 'volcano': they are river, "),
        ({"look_alike": "river"}, "only where there is no mine"),
        ({"outline": "POINT (1 1)"}, "must be a polygon"),
        ({"outline": "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"}, "must not cross itself"),
        ({"outline": "POLYGON ((0 0, 500 1, 1 0, 0 0))"}, "must lie on the Earth"),
        ({"outline": "POLYGON ((0 0, nan 1, 1 0, 0 0))"}, "must be a polygon"),
        ({"answer": "cannot_tell", "outline": "POLYGON ((0 0, 1 1, 1 0, 0 0))"}, "only around a mine"),
        ({"reviewer": " \u202e\n "}, "at least 1 character"),
        ({"place_id": "../etc"}, "match pattern"),
        ({"seconds": float("inf")}, "less than or equal"),
        ({"answered_at": "2026-11-30T12:00:00"}, "needs its zone"),
    ],
)
def test_answers_that_make_no_sense_are_refused(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        answer_of(**values)


def test_table_of_answers(log: AnswerLog) -> None:
    log.append([answer_of("a1", seconds=2.5, images="north/2021@0123456789ab"), answer_of("b1", reviewer="Ben")])
    table = ReviewAnswersDataset(filepath=str(log.path)).load()
    assert {name: str(kind) for name, kind in table.dtypes.items()} == dict(ANSWER_COLUMNS)
    assert table["reviewer"].tolist() == ["Ana", "Ben"]
    assert table["answered_at"].tolist() == [pd.Timestamp("2026-11-30 12:00:00")] * 2
    assert table["seconds"].isna().tolist() == [False, True]


def test_table_without_answers(tmp_path: Path) -> None:
    empty = ReviewAnswersDataset(filepath=str(tmp_path / "none.jsonl")).load()
    assert empty.empty
    assert {name: str(kind) for name, kind in empty.dtypes.items()} == dict(ANSWER_COLUMNS)
    assert answer_table([{"place_id": "p", "reviewer": "simulated truth", "answer": "mine"}])["blind"].tolist() == [
        True
    ]
