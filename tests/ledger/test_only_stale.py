"""The runner that skips nodes that are up to date."""

import json
from pathlib import Path

import pytest
from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mining_the_mines.ledger.only_stale import OnlyStaleRunner
from mining_the_mines.ledger.recorder import RunRecorder
from mining_the_mines.ledger.records import NodeRecord

JSON = "mining_the_mines.datasets.files.JsonFile"


def double(number: int) -> int:
    return number * 2


def describe(number: int, word: str) -> str:
    return f"{word}: {number}"


PIPELINE = Pipeline(
    [
        Node(double, "raw", "in_memory", name="double"),
        Node(describe, ["in_memory", "params:word"], "described", name="describe"),
    ]
)


class Recording:
    """Records a run as the project's hook does."""

    def __init__(self, recorder: RunRecorder) -> None:
        self.recorder = recorder
        self.ran: list[str] = []

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Note the inputs of a node."""
        self.ran.append(node.name)
        self.recorder.begin(node)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Finish a node."""
        self.recorder.saved(node, dataset_name)

    def take_over(self, node: Node, record: NodeRecord, catalog: DataCatalog) -> None:  # noqa: ARG002 - one protocol
        """Reuse the outputs of a node."""
        self.recorder.reuse(record)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "raw.json").write_text("21", encoding="utf-8")
    return tmp_path


def run(project: Path, run_id: str, word: str = "Result") -> list[str]:
    """Names of the nodes that ran."""
    entries = {name: {"type": JSON, "filepath": str(project / f"{name}.json")} for name in ("raw", "described")}
    catalog = DataCatalog.from_config(entries)
    catalog["params:word"] = word
    recording = Recording(RunRecorder(project, project / "data", catalog, run_id))
    manager = _create_hook_manager()
    manager.register(recording)
    OnlyStaleRunner().run(PIPELINE, catalog, manager)
    return recording.ran


def test_unchanged(project: Path) -> None:
    assert run(project, "first") == ["double", "describe"]
    assert run(project, "second") == []


def test_output_in_memory_is_made_when_needed(project: Path) -> None:
    run(project, "first")
    assert run(project, "second", word="Sum") == ["double", "describe"]
    assert json.loads((project / "described.json").read_text(encoding="utf-8")) == "Sum: 42"


def test_edited_output(project: Path) -> None:
    run(project, "first")
    (project / "described.json").write_text('"edited"', encoding="utf-8")
    assert run(project, "second") == ["double", "describe"]


def test_no_hooks() -> None:
    catalog = DataCatalog.from_config({})
    with pytest.raises(ValueError, match="hooks of a Kedro session"):
        OnlyStaleRunner()._run(Pipeline([]), catalog)
