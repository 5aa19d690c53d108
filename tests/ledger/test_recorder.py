"""What makes a node stale, and what doesn't."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from kedro.io import AbstractDataset, DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mining_the_mines.ledger.recorder import RunRecorder

JSON = "mining_the_mines.datasets.files.JsonFile"
TEXT = "mining_the_mines.datasets.files.TextFile"


class OtherRuns(AbstractDataset[None, int]):
    """Changes with every run."""

    always_changes = True

    def load(self) -> int:
        """Give a number."""
        return 1

    def save(self, data: None) -> None:
        """Keep nothing."""

    def _describe(self) -> dict[str, str]:
        return {}


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
        """Open the books of another run."""
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
        books, ran = self.open(**parameters), []
        for node in self.pipeline.nodes:
            record = books.recall(node)
            if record is not None:
                books.reuse(record)
                continue
            books.begin(node)
            for name, value in node.run({name: books.catalog.load(name) for name in node.inputs}).items():
                books.catalog.save(name, value)
                books.saved(node, name)
            ran.append(node.name)
        books.close()
        return ran

    def newest(self, name: str) -> Path:
        """The newest version of a file on disk."""
        return max((self.folder / "data" / name).glob(f"*/{name}"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raw.json").write_text("21", encoding="utf-8")
    return Project(tmp_path)


def test_nothing_is_stale_where_nothing_has_changed(project: Project) -> None:
    assert project.run() == ["double", "describe"]
    assert project.run() == []


def test_going_back_makes_what_was_made_before_the_newest_again(project: Project) -> None:
    project.run(factor=2)
    project.run(factor=3)
    assert project.run(factor=2) == []
    assert json.loads(project.newest("doubled.json").read_text()) == 42
    assert project.newest("described.txt").read_text() == "It is 42."
    assert project.newest("described.txt").parent.name == "2026-01-01T00.00.03.000Z"
    assert project.run(factor=2) == []
    assert project.newest("described.txt").parent.name == "2026-01-01T00.00.03.000Z"


def test_the_books_say_what_was_brought_forward(project: Project) -> None:
    project.run(factor=2)
    project.run(factor=3)
    project.run(factor=2)
    writer = project.open().ledger.writer("described", "2026-01-01T00.00.03.000Z")
    assert writer is not None
    assert writer.run_id == "run 1"
    assert (project.folder / str(writer.outputs[0].path)).samefile(project.newest("described.txt"))


def test_a_node_that_leaves_something_in_memory_too_runs_again_to_go_back(project: Project) -> None:
    split = Node(lambda number, factor: (number, number * factor), ["raw", "params:factor"], ["in_memory", "doubled"])
    project.pipeline = Pipeline([split])
    project.run(factor=2)
    project.run(factor=3)
    assert project.run(factor=3) == []
    assert project.run(factor=2) == [split.name]
    assert json.loads(project.newest("doubled.json").read_text()) == 42


def test_what_parameters_name_counts_by_what_it_holds(project: Project) -> None:
    regions = project.folder / "regions.csv"
    regions.write_text("a", encoding="utf-8")
    pipeline = Pipeline([Node(lambda number, _: number, ["raw", "params:regions"], "doubled", name="choose")])
    project.pipeline = pipeline
    assert project.run(regions="regions.csv") == ["choose"]
    assert project.run(regions="regions.csv") == []
    regions.write_text("b", encoding="utf-8")
    assert project.run(regions="regions.csv") == ["choose"]


def test_the_books_keep_what_parameters_named_by_what_it_held(project: Project) -> None:
    regions = project.folder / "regions.csv"
    regions.write_text("a", encoding="utf-8")
    node = Node(lambda number, _: number, ["raw", "params:regions"], "doubled", name="choose")
    project.pipeline = Pipeline([node])
    project.run(regions="regions.csv")
    regions.write_text("b", encoding="utf-8")
    (record,) = project.open().ledger.nodes
    assert record.files == {"regions.csv": sha256(b"a").hexdigest()}


def test_who_reads_other_runs_is_always_stale_and_so_is_what_stands_on_it(project: Project) -> None:
    project.catalog = {
        **entries(),
        "runs": {"type": OtherRuns},
    }
    project.pipeline = Pipeline(
        [
            Node(lambda _: 1, "runs", "compared", name="compare"),
            Node(describe, "compared", "described", name="describe"),
        ]
    )
    assert project.run() == ["compare", "describe"]
    assert project.run() == ["compare", "describe"]


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
def test_a_node_that_is_wired_in_another_way_is_stale(project: Project, then: Node, now: Node) -> None:
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
def test_what_the_catalog_says_of_data_counts(
    project: Project, changed: Mapping[str, Mapping[str, Any]], stale: list[str]
) -> None:
    project.run()
    project.catalog = entries(**changed)
    books = project.open()
    assert [node.name for node in project.pipeline.nodes if books.recall(node) is None] == stale


def test_the_same_project_elsewhere_is_not_stale(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.run()
    moved = Project(Path(shutil.copytree(project.folder, tmp_path_factory.mktemp("moved") / "project")), _runs=1)
    assert moved.run() == []


def test_another_version_of_a_package_makes_all_stale_and_another_device_nothing(project: Project) -> None:
    project.run()
    node = project.pipeline.nodes[0]

    def recalled(**changed: object) -> bool:
        books = project.open()
        books.environment = books.environment.model_copy(update=changed)
        return books.recall(node) is not None

    packages = project.open().environment.packages
    assert recalled(device="something faster")
    assert recalled(packages={**packages, "mining_the_mines": "9.9"})
    assert not recalled(packages={**packages, "numpy": "9.9"})
