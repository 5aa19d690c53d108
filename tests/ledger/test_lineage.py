"""Tracing a result back to raw data."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.core.hashing import NOTHING, hash_values
from mining_the_mines.ledger.lineage import Lineage, Step, trace
from mining_the_mines.ledger.lineage_subject import LineageError, Subject, find_subject
from mining_the_mines.ledger.records import DatasetState, Ledger
from support.recorded_runs import (
    LATER_RUN,
    RUN,
    START,
    VERSION,
    RecordedProject,
    memory,
    node,
    nothing,
    write_map,
)


@pytest.fixture
def project(tmp_path: Path) -> RecordedProject:
    return RecordedProject(tmp_path)


def follow(project: RecordedProject, state: DatasetState) -> Lineage:
    return trace(Subject(state), project.ledger, project)


def kinds(lineage: Lineage) -> dict[str, str]:
    return {step.state.dataset: step.kind for step in lineage.steps.values()}


def step_of(lineage: Lineage, dataset: str) -> Step:
    return next(step for step in lineage.steps.values() if step.state.dataset == dataset)


def test_ends_at_provided_data(project: RecordedProject) -> None:
    labels = project.file("labels", "1", "data/01_raw/labels.csv")
    folds = project.file("folds", "a", "data/03_primary/folds.csv", "v1")
    report = project.file("report", "r", "data/08_reporting/report.html", "v1")
    project.record("split", [labels], [folds])
    project.record("write", [folds], [report])
    found = follow(project, report)
    assert list(kinds(found).items()) == [("report", "made"), ("folds", "made"), ("labels", "provided")]
    assert [step.state.path for step in found.raw_inputs(found.root)] == ["data/01_raw/labels.csv"]


def test_common_ancestor_once_through_memory(project: RecordedProject) -> None:
    labels = project.file("labels", "1", "data/01_raw/labels.csv")
    left, right = memory("left"), memory("right")
    report = project.file("report", "r", "data/08_reporting/report.html")
    project.record("a", [labels], [left])
    project.record("b", [labels], [right])
    project.record("c", [left, right], [report])
    found = follow(project, report)
    assert [step.state.dataset for step in found.before(found.root)] == ["left", "right", "labels"]
    assert [step.now for step in found.before(found.root)] == ["in memory", "in memory", "as recorded"]


def test_changed_and_gone(project: RecordedProject) -> None:
    labels = project.file("labels", "1", "data/01_raw/labels.csv")
    places = project.file("places", "1", "data/01_raw/places.csv")
    project.record("write", [labels, places], [memory("table")])
    project.file("labels", "2", "data/01_raw/labels.csv")
    (project.folder / "data/01_raw/places.csv").unlink()
    found = follow(project, memory("table"))
    assert [step.now for step in found.steps.values()] == ["in memory", "changed", "gone"]


def test_missing_when_it_was_read(project: RecordedProject) -> None:
    regions = DatasetState(dataset="test_regions", path="data/03_primary/test_regions.json", content_hash=NOTHING)
    project.record("choose", [regions], [memory("scenes")])
    step = step_of(follow(project, memory("scenes")), "test_regions")
    assert (step.kind, step.now) == ("not given", "not given")


def test_edited_between_nodes(project: RecordedProject) -> None:
    written = project.file("folds", "a", "data/03_primary/folds.csv", "v1")
    project.record("preprocessing.split", [], [written])
    edited = project.file("folds", "b", "data/03_primary/folds.csv", "v1")
    project.record("write", [edited], [memory("table")])
    step = step_of(follow(project, memory("table")), "folds")
    assert step.kind == "made"
    assert step.remark.startswith("folds was changed between preprocessing.split, which wrote it,")


def registered(project: RecordedProject, text: str) -> DatasetState:
    """A model of the registry that was read in place of the local one."""
    read = project.file("segmentation.segmenter", text, "data/06_models/registered/mine-segmenter/3-abc/native")
    return read.model_copy(update={"registered": "mine-segmenter 3", "registered_by": RUN})


def test_registered_model_of_others(project: RecordedProject) -> None:
    labels = project.file("labels", "1", "data/01_raw/labels.csv")
    local = project.file("segmentation.segmenter", "local", "data/06_models/segmenter", "v1")
    project.record("segmentation.fit", [labels], [local])
    project.record("map", [registered(project, "other")], [memory("maps")])
    found = follow(project, memory("maps"))
    assert kinds(found) == {"maps": "made", "segmentation.segmenter": "registered"}
    assert not [step for step in found.steps.values() if step.remark]
    assert [step.state.registered for step in found.raw_inputs(found.root)] == ["mine-segmenter 3"]


def test_registered_model_trained_here(project: RecordedProject) -> None:
    labels = project.file("labels", "1", "data/01_raw/labels.csv")
    old = project.file("segmentation.segmenter", "champion", "data/06_models/segmenter", "v1")
    trained = project.record("segmentation.fit", [labels], [old])
    newer = project.file("segmentation.segmenter", "newer", "data/06_models/segmenter", "v2")
    project.record("segmentation.fit", [], [newer])
    project.record("map", [registered(project, "champion")], [memory("maps")])
    step = step_of(follow(project, memory("maps")), "segmentation.segmenter")
    assert (step.writer, step.remark, step.now) == (trained, "", "as recorded")


def test_input_inside_another_dataset(project: RecordedProject) -> None:
    project.file("raw_chips", "a", "data/02_intermediate/chips/images/a.tif")
    project.file("unlabelled_chips", "b", "data/02_intermediate/chips/unlabelled/b.tif")
    inside = project.state("unlabelled_chips", "data/02_intermediate/chips/unlabelled")
    chips = project.state("raw_chips", "data/02_intermediate/chips")
    project.record("cut_chips", [project.file("composites", "c", "data/02_intermediate/composites")], [chips])
    project.record("predict", [inside], [memory("predictions")])
    assert kinds(follow(project, memory("predictions"))) == {
        "predictions": "made", "unlabelled_chips": "part of", "raw_chips": "made", "composites": "unrecorded"
    }  # fmt: skip


def test_labels_of_a_simulated_archive(project: RecordedProject) -> None:
    polygons = project.file("mine_polygons", "polygons", "data/01_raw/simulated/mines.gpkg")
    archive = project.state("simulated_series", "data/01_raw/simulated")
    project.record("choose_scenes", [archive], [memory("scenes")])
    project.record("draw_masks", [polygons], [memory("masks")])
    found = follow(project, memory("masks"))
    assert kinds(found) == {"masks": "made", "mine_polygons": "part of", "simulated_series": "simulated"}


def test_inputs_without_content(project: RecordedProject) -> None:
    labels = project.file("labels", "1", "data/01_raw/labels.csv")
    facts = DatasetState(dataset="run_facts", path=".", content_hash=NOTHING)
    inputs = [facts, labels, nothing("chip_places"), memory("segmentation.workspace")]
    project.record("write", inputs, [memory("report")])
    found = follow(project, memory("report"))
    assert kinds(found) == {
        "report": "made", "run_facts": "volatile", "labels": "provided", "chip_places": "not given",
        "segmentation.workspace": "volatile",
    }  # fmt: skip
    assert [step.state.dataset for step in found.raw_inputs(found.root)] == ["labels"]


@given(st.lists(st.tuples(st.sets(st.integers(0, 4), max_size=3), st.integers(0, 4), st.integers(0, 2)), max_size=12))
def test_always_ends(nodes: list[tuple[set[int], int, int]]) -> None:
    """Also where clocks stood still, so that records have the same time."""
    records = tuple(
        node(
            f"node {number}",
            [memory(str(name)) for name in sorted(inputs)],
            [memory(str(output))],
            finished=(START + timedelta(seconds=second)).isoformat(),
        )
        for number, (inputs, output, second) in enumerate(nodes)
    )
    ledger = Ledger(Path("nowhere"))
    vars(ledger)["nodes"] = records
    found = trace(Subject(memory("0")), ledger, RecordedProject(Path("nowhere")))
    assert set(found.steps) == {found.root.name, *(step.name for step in found.before(found.root))}
    assert found.root.state.content_hash == hash_values(["0", "value"])


@pytest.fixture
def two_runs(project: RecordedProject) -> RecordedProject:
    """Two versions of a report, maps of two runs in one folder, and labels that no node made."""
    labels = project.file("labels", "1", "data/01_raw/labels.csv")
    project.record("write", [labels], [project.file("report", "one", "data/08_reporting/report.html", VERSION)])
    project.record("map", [labels], [write_map(project, "aa" * 32)])
    project.run_id = LATER_RUN
    project.record("write", [labels], [project.file("report", "two", "data/08_reporting/report.html", "2026-04")])
    project.record("map", [labels], [write_map(project, "bb" * 32)])
    return project


def find(project: RecordedProject, asked: str) -> Subject:
    return find_subject(asked, project.ledger, project.folder)


def test_subject_by_name_version_and_hash(two_runs: RecordedProject) -> None:
    assert find(two_runs, "report").state.version == "2026-04"
    older = find(two_runs, f"report:{VERSION}").state
    assert older.version == VERSION
    assert find(two_runs, f"report:{older.content_hash[:12]}").state == older


def test_subject_by_origin_of_a_polygon(two_runs: RecordedProject) -> None:
    found = find(two_runs, "scene_maps:aaaaaaaaaaaa")
    assert (found.part, found.state.parts["tapajos"]) == ("tapajos", "aa" * 32)


def test_subject_by_file_of_a_map(two_runs: RecordedProject) -> None:
    found = find(two_runs, str(two_runs.folder / "data/07_model_output/maps/tapajos/mines.gpkg"))
    assert (found.state.dataset, found.part) == ("scene_maps", "tapajos")
    assert found.state.parts["tapajos"] == "bb" * 32


def test_subject_by_file_beside_an_index(project: RecordedProject) -> None:
    maps = write_map(project).model_copy(update={"path": "data/07_model_output/maps/maps.json"})
    project.record("map", [], [maps])
    found = find(project, str(project.folder / "data/07_model_output/maps/tapajos/mines.gpkg"))
    assert (found.state, found.part) == (maps, "tapajos")


@pytest.mark.parametrize(
    ("inside", "version"), [(f"{VERSION}/report.html", VERSION), (VERSION, VERSION), ("", "2026-04")]
)
def test_subject_by_path_of_a_version(two_runs: RecordedProject, inside: str, version: str) -> None:
    assert find(two_runs, str(two_runs.folder / "data/08_reporting/report.html" / inside)).state.version == version


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("reports", r"^No record contains a dataset reports: name another one, such as report,"),
        ("report:2020", rf"contains report:2020: name .* such as 2026-04, {VERSION}\.$"),
        ("/etc/hosts", r"^No record says how /etc/hosts was made: name a file"),
    ],
)
def test_unknown_subject(two_runs: RecordedProject, asked: str, message: str) -> None:
    with pytest.raises(LineageError, match=message):
        find(two_runs, asked)


def test_ledger_without_records(tmp_path: Path) -> None:
    with pytest.raises(LineageError, match="has no records that this version can read"):
        find_subject("report", Ledger(tmp_path), tmp_path)


def test_ledgers_of_all_environments(tmp_path: Path) -> None:
    Ledger(tmp_path / "data/ledger").add(node("write", [], ["report"]))
    Ledger(tmp_path / "data/tailings_dams/ledger").add(node("write", [], ["page"]))
    ledger = Ledger.of_project(tmp_path)
    assert {find_subject(name, ledger, tmp_path).state.dataset for name in ("report", "page")} == {"report", "page"}
