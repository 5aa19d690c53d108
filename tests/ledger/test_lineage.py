"""The way back from what a run has left to what was handed over."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.core.hashing import NOTHING, hash_values
from mining_the_mines.ledger.lineage import Lineage, Witnesses, trace
from mining_the_mines.ledger.records import DatasetState, NodeRecord
from mining_the_mines.ledger.store import Ledger
from support.recorded_runs import CODE, ENVIRONMENT, MADE, RUN, START, Books, memory, nothing


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def follow(books: Books, state: DatasetState) -> Lineage:
    return trace(state, books.ledger, books.witnesses)


def kinds(lineage: Lineage) -> dict[str, str]:
    return {step.state.dataset: step.kind for step in lineage.steps.values()}


def test_the_way_ends_at_what_was_handed_over(books: Books) -> None:
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    folds = books.file("folds", "a", "data/03_primary/folds.csv", "v1")
    report = books.file("report", "r", "data/08_reporting/report.html", "v1")
    books.record("split", [labels], [folds])
    books.record("write", [folds], [report])
    found = follow(books, report)
    assert list(kinds(found).items()) == [("report", "made"), ("folds", "made"), ("labels", "handed over")]
    assert [step.state.path for step in found.raw_inputs(found.root)] == ["data/01_raw/labels.csv"]


def test_what_is_in_memory_only_is_a_step_like_others(books: Books) -> None:
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    report = books.file("report", "r", "data/08_reporting/report.html")
    books.record("read", [labels], [memory("table")])
    books.record("write", [memory("table")], [report])
    found = follow(books, report)
    assert [step.now for step in found.steps.values()] == ["as recorded", "in memory", "as recorded"]


def test_an_ancestor_of_several_is_told_of_once(books: Books) -> None:
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    left, right = memory("left"), memory("right")
    report = books.file("report", "r", "data/08_reporting/report.html")
    books.record("a", [labels], [left])
    books.record("b", [labels], [right])
    books.record("c", [left, right], [report])
    found = follow(books, report)
    assert sorted(kinds(found)) == ["labels", "left", "report", "right"]
    assert [step.state.dataset for step in found.before(found.root)] == ["left", "right", "labels"]


def test_what_a_node_must_have_made_without_a_record_is_said_to_be_unrecorded(books: Books) -> None:
    folds = books.file("folds", "a", "data/03_primary/folds.csv")
    report = books.file("report", "r", "data/08_reporting/report.html")
    books.record("write", [folds], [report])
    step = follow(books, report).nearest("folds")
    assert step is not None
    assert (step.kind, step.remark) == ("unrecorded", "No record says how folds was made.")


def test_a_file_that_has_changed_since_is_told_from_one_that_is_gone(books: Books) -> None:
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    places = books.file("places", "1", "data/01_raw/places.csv")
    books.record("write", [labels, places], [memory("table")])
    books.file("labels", "2", "data/01_raw/labels.csv")
    (books.project / "data/01_raw/places.csv").unlink()
    found = follow(books, memory("table"))
    assert [step.now for step in found.steps.values()] == ["in memory", "changed", "gone"]


def test_a_file_that_somebody_changed_between_two_nodes_is_not_passed_over(books: Books) -> None:
    written = books.file("folds", "a", "data/03_primary/folds.csv", "v1")
    books.record("preprocessing.split", [], [written])
    edited = books.file("folds", "b", "data/03_primary/folds.csv", "v1")
    books.record("write", [edited], [memory("table")])
    step = follow(books, memory("table")).nearest("folds")
    assert step is not None
    assert step.kind == "made"
    assert step.remark.startswith("folds was changed after preprocessing.split had written it")


def registered(books: Books, text: str) -> DatasetState:
    """A registered model that was read in the place of the local one."""
    read = books.file("segmentation.segmenter", text, "data/06_models/registered/mine-segmenter/3-abc/native")
    return read.model_copy(update={"registered": "mine-segmenter 3", "registered_by": RUN})


def test_a_registered_model_is_told_as_such_and_not_taken_for_the_local_one(books: Books) -> None:
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    local = books.file("segmentation.segmenter", "local", "data/06_models/segmenter", "v1")
    books.record("segmentation.fit", [labels], [local])
    books.record("map", [registered(books, "other")], [memory("maps")])
    found = follow(books, memory("maps"))
    assert kinds(found) == {"maps": "made", "segmentation.segmenter": "registered"}
    assert not [step for step in found.steps.values() if step.remark]
    assert [step.state.registered for step in found.raw_inputs(found.root)] == ["mine-segmenter 3"]


def test_a_registered_model_that_was_made_here_is_followed_to_its_training(books: Books) -> None:
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    old = books.file("segmentation.segmenter", "champion", "data/06_models/segmenter", "v1")
    trained = books.record("segmentation.fit", [labels], [old])
    books.record(
        "segmentation.fit", [], [books.file("segmentation.segmenter", "newer", "data/06_models/segmenter", "v2")]
    )
    books.record("map", [registered(books, "champion")], [memory("maps")])
    found = follow(books, memory("maps"))
    step = found.nearest("segmentation.segmenter")
    assert step is not None
    assert (step.writer, step.remark, step.now) == (trained, "", "as recorded")


def test_the_writer_is_the_last_before_it_was_read(books: Books) -> None:
    old = books.file("folds", "same", "data/03_primary/folds.csv")
    first = books.record("split", [], [old])
    books.record("write", [old], [memory("table")])
    books.run_id = "later"
    books.record("split", [], [old])
    step = follow(books, memory("table")).nearest("folds")
    assert step is not None
    assert step.writer == first


def test_an_input_within_the_folder_of_another_dataset_is_traced_on_to_that(books: Books) -> None:
    books.file("raw_chips", "a", "data/02_intermediate/chips/images/a.tif")
    inside = books.file("unlabelled_chips", "b", "data/02_intermediate/chips/unlabelled/b.tif")
    inside = books.state("unlabelled_chips", "data/02_intermediate/chips/unlabelled")
    chips = books.state("raw_chips", "data/02_intermediate/chips")
    composites = books.file("composites", "c", "data/02_intermediate/composites")
    books.record("cut_chips", [composites], [chips])
    books.record("detect", [inside], [memory("detections")])
    assert kinds(follow(books, memory("detections"))) == {
        "detections": "made", "unlabelled_chips": "part of", "raw_chips": "made", "composites": "unrecorded"
    }  # fmt: skip


def test_labels_that_come_with_a_simulated_archive_are_told_from_drawn_ones(books: Books) -> None:
    drawn = books.file("mine_polygons", "polygons", "data/01_raw/simulated/mines.gpkg")
    archive = books.state("simulated_series", "data/01_raw/simulated")
    books.record("choose_scenes", [archive], [memory("scenes")])
    books.record("draw_masks", [drawn], [memory("masks")])
    found = follow(books, memory("masks"))
    assert kinds(found) == {"masks": "made", "mine_polygons": "part of", "simulated_series": "simulated"}


def test_what_nobody_named_is_not_given(books: Books) -> None:
    books.record("cut", [nothing("chip_places")], [memory("chips")])
    found = follow(books, memory("chips"))
    assert kinds(found)["chip_places"] == "not given"
    assert found.raw_inputs(found.root) == ()


def test_what_nothing_depends_on_is_neither_an_input_nor_a_folder_of_others(books: Books) -> None:
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    facts = DatasetState(dataset="run_facts", path=".", content_hash=NOTHING)
    books.record("write", [facts, labels], [memory("report")])
    found = follow(books, memory("report"))
    assert kinds(found) == {"report": "made", "run_facts": "not counted", "labels": "handed over"}


def test_training_keeps_checkpoints_that_are_no_input(books: Books) -> None:
    books.record("train", [memory("segmentation.workspace")], [memory("network")])
    assert kinds(follow(books, memory("network")))["segmentation.workspace"] == "checkpoints"


def test_only_so_many_steps_back_are_kept(books: Books) -> None:
    labels = books.file("labels", "1", "data/01_raw/labels.csv")
    books.record("a", [labels], [memory("left")])
    books.record("b", [memory("left")], [memory("right")])
    found = follow(books, memory("right"))
    assert sorted(kinds(found.up_to(1))) == ["left", "right"]
    assert sorted(kinds(found.up_to(0))) == ["right"]


@given(st.lists(st.tuples(st.sets(st.integers(0, 4), max_size=3), st.integers(0, 4), st.integers(0, 2)), max_size=12))
def test_whatever_the_records_say_the_way_ends_and_no_step_is_its_own_ancestor(
    nodes: list[tuple[set[int], int, int]],
) -> None:
    """Also where clocks stood still, so that records are equally old."""
    records = tuple(
        NodeRecord(
            node=f"node {number}", key="k", run_id=RUN, finished=(START + timedelta(seconds=second)).isoformat(),
            seconds=0, function="m:f", code_hash="h", code=CODE, environment=ENVIRONMENT, parameters={},
            inputs=tuple(memory(str(name)) for name in sorted(inputs)), outputs=(memory(str(output)),),
        )
        for number, (inputs, output, second) in enumerate(nodes)
    )  # fmt: skip
    ledger = Ledger(Path("nowhere"))
    vars(ledger)["nodes"] = records
    found = trace(memory("0"), ledger, Witnesses(lambda _state: None, lambda _run: MADE))
    assert set(found.steps) == {found.root.name, *(step.name for step in found.before(found.root))}
    assert found.root.state.content_hash == hash_values(["0", "value"])
