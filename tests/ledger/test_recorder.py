"""Which changes make a node stale."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mining_the_mines.ledger.recorder import RunRecorder

JSON = "mining_the_mines.datasets.files.JsonFile"
TEXT = "mining_the_mines.datasets.files.TextFile"
INDEX = {"mining_the_mines": {"index": True}}


def double(number: int, factor: int) -> int:
    return number * factor


def describe(number: int) -> str:
    return f"It is {number}."


def triple(number: int, factor: int) -> int:
    return number * factor * 3


def take_apart(number: int) -> tuple[int, int]:
    return number // 10, number % 10


CHAIN = Pipeline(
    [
        Node(double, ["raw", "params:factor"], "doubled", name="double"),
        Node(describe, "doubled", "described", name="describe"),
    ]
)


def entries(**changed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    usual: dict[str, dict[str, Any]] = {
        "raw": {"type": JSON, "filepath": "data/raw.json"},
        "doubled": {"type": JSON, "filepath": "data/doubled.json", "versioned": True},
        "described": {"type": TEXT, "filepath": "data/described.txt", "versioned": True},
    }
    return {name: {**entry, **changed.get(name, {})} for name, entry in usual.items()}


@dataclass
class Project:
    """A project whose pipeline runs as with ``--only-stale``."""

    folder: Path
    catalog: Mapping[str, Any] = field(default_factory=entries)
    pipeline: Pipeline = CHAIN
    _runs: int = 0

    def open(self, **parameters: object) -> RunRecorder:
        """Start another run."""
        self._runs += 1
        anchored = {
            name: {**entry, "filepath": str(self.folder / entry["filepath"])} if "filepath" in entry else entry
            for name, entry in self.catalog.items()
        }
        catalog = DataCatalog.from_config(anchored, save_version=f"2026-01-01T00.00.{self._runs:02}.000Z")
        for name, value in {"factor": 2, **parameters}.items():
            catalog[f"params:{name}"] = value
        return RunRecorder(self.folder, self.folder / "data", catalog, f"run {self._runs}")

    def run(self, **parameters: object) -> list[str]:
        """Run what is stale, and name it."""
        recorder, ran = self.open(**parameters), []
        for node in self.pipeline.nodes:
            record = recorder.recall(node)
            if record is not None:
                recorder.reuse(record)
                continue
            recorder.begin(node)
            for name, value in node.run({name: recorder.catalog.load(name) for name in node.inputs}).items():
                recorder.catalog.save(name, value)
                recorder.saved(node, name)
            ran.append(node.name)
        recorder.close()
        return ran

    def newest(self, name: str) -> Path:
        """The newest version of a file on disk."""
        return max((self.folder / "data" / name).glob(f"*/{name}"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raw.json").write_text("21", encoding="utf-8")
    return Project(tmp_path)


def test_going_back_restores_the_older_version(project: Project) -> None:
    project.run(factor=2)
    project.run(factor=3)
    assert project.run(factor=2) == []
    assert json.loads(project.newest("doubled.json").read_text()) == 42
    assert project.newest("described.txt").read_text() == "It is 42."
    assert project.newest("described.txt").parent.name == "2026-01-01T00.00.03.000Z"
    assert project.run(factor=2) == []
    assert project.newest("described.txt").parent.name == "2026-01-01T00.00.03.000Z"


def test_outputs_in_memory_prevent_restoring(project: Project) -> None:
    split = Node(lambda number, factor: (number, number * factor), ["raw", "params:factor"], ["in_memory", "doubled"])
    project.pipeline = Pipeline([split])
    project.run(factor=2)
    project.run(factor=3)
    assert project.run(factor=3) == []
    assert project.run(factor=2) == [split.name]
    assert json.loads(project.newest("doubled.json").read_text()) == 42


def test_files_of_parameters_count(project: Project) -> None:
    regions = project.folder / "regions.csv"
    regions.write_text("a", encoding="utf-8")
    pipeline = Pipeline([Node(lambda number, _: number, ["raw", "params:regions"], "doubled", name="choose")])
    project.pipeline = pipeline
    assert project.run(regions="regions.csv") == ["choose"]
    assert project.run(regions="regions.csv") == []
    regions.write_text("b", encoding="utf-8")
    assert project.run(regions="regions.csv") == ["choose"]


def test_files_of_parameters_are_recorded(project: Project) -> None:
    regions = project.folder / "regions.csv"
    regions.write_text("a", encoding="utf-8")
    node = Node(lambda number, _: number, ["raw", "params:regions"], "doubled", name="choose")
    project.pipeline = Pipeline([node])
    project.run(regions="regions.csv")
    regions.write_text("b", encoding="utf-8")
    (record,) = project.open().ledger.nodes
    assert record.files == {"regions.csv": sha256(b"a").hexdigest()}


def test_pending_output_is_never_up_to_date(project: Project) -> None:
    node = Node(lambda number: {"pending": "no answer"} if number == 21 else {}, "raw", "doubled", name="register")
    project.pipeline = Pipeline([node])
    assert (project.run(), project.run()) == (["register"], ["register"])
    (project.folder / "data/raw.json").write_text("22", encoding="utf-8")
    assert (project.run(), project.run()) == (["register"], [])


def test_volatile_input_makes_nothing_stale(project: Project) -> None:
    project.catalog = entries(raw={"metadata": {"mining_the_mines": {"volatile": True}}})
    project.run()
    (project.folder / "data/raw.json").write_text("22", encoding="utf-8")
    assert project.run() == []


def test_what_earlier_runs_left_is_recorded_and_makes_nothing_stale(project: Project) -> None:
    project.catalog = entries(raw={"metadata": {"mining_the_mines": {"carried": True}}})
    project.run()
    raw = project.folder / "data/raw.json"
    (state,) = [state for record in project.open().ledger.nodes for state in record.inputs if state.dataset == "raw"]
    assert state.content_hash == sha256(raw.read_bytes()).hexdigest()
    raw.write_text("22", encoding="utf-8")
    assert project.run() == []


def test_index_counts_the_files_that_it_names(project: Project) -> None:
    project.catalog = entries(doubled={"filepath": "data/maps/maps.json", "metadata": INDEX, "versioned": False})

    def map_scene(number: int) -> list[str]:
        folder = project.folder / "data/maps/tapajos"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mines.gpkg").write_text(str(number), encoding="utf-8")
        return ["tapajos"]

    project.pipeline = Pipeline([Node(map_scene, "raw", "doubled", name="map")])
    assert (project.run(), project.run()) == (["map"], [])
    (project.folder / "data/maps/elsewhere").mkdir()
    (project.folder / "data/maps/elsewhere/mines.gpkg").write_text("of another run", encoding="utf-8")
    assert project.run() == []
    (project.folder / "data/maps/tapajos/mines.gpkg").write_text("edited", encoding="utf-8")
    assert project.run() == ["map"]


GIVEN = ["raw", "params:factor"]
TENS_AND_ONES = {name: {"type": JSON, "filepath": f"data/{name}.json"} for name in ("tens", "ones")}


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (Node(double, GIVEN, "tens", name="n"), Node(double, GIVEN[::-1], "tens", name="n")),
        (Node(double, GIVEN, "tens", name="n"), Node(triple, GIVEN, "tens", name="n")),
        (Node(double, GIVEN, "tens", name="n"), Node(partial(triple), GIVEN, "tens", name="n")),
        (Node(take_apart, "raw", ["tens", "ones"], name="n"), Node(take_apart, "raw", ["ones", "tens"], name="n")),
    ],
    ids=["inputs", "function", "filled in", "outputs"],
)
def test_other_wiring(project: Project, then: Node, now: Node) -> None:
    project.catalog = {**entries(), **TENS_AND_ONES}
    project.pipeline = Pipeline([then])
    assert (project.run(), project.run()) == (["n"], [])
    project.pipeline = Pipeline([now])
    assert (project.run(), project.run()) == (["n"], [])


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ({"raw": {"fs_args": {"open_args_load": {"encoding": "utf-8"}}}}, ["double"]),
        ({"raw": {"metadata": {"kedro-viz": {"layer": "raw"}}}}, []),
        ({"described": {"filepath": "data/told.txt"}}, ["describe"]),
        ({"doubled": {"save_args": {"indent": 1}}}, ["double", "describe"]),
    ],
)
def test_other_catalog_entry(project: Project, changed: Mapping[str, Mapping[str, Any]], stale: list[str]) -> None:
    project.run()
    project.catalog = entries(**changed)
    recorder = project.open()
    assert [node.name for node in project.pipeline.nodes if recorder.recall(node) is None] == stale


def test_moved_project(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.run()
    moved = Project(Path(shutil.copytree(project.folder, tmp_path_factory.mktemp("moved") / "project")), _runs=1)
    assert moved.run() == []


def test_other_package_and_other_device(project: Project) -> None:
    project.run()
    node = project.pipeline.nodes[0]

    def recalled(**changed: object) -> bool:
        recorder = project.open()
        recorder.environment = recorder.environment.model_copy(update=changed)
        return recorder.recall(node) is not None

    packages = project.open().environment.packages
    assert recalled(device="something faster")
    assert recalled(packages={**packages, "mining_the_mines": "9.9"})
    assert not recalled(packages={**packages, "numpy": "9.9"})
