"""Keeps the books of a run: what every node read and wrote."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from kedro.io import CatalogProtocol
from kedro.pipeline.node import Node
from pydantic import BaseModel

from mining_the_mines.datasets.states import hash_at, place_of, read_from, state_of
from mining_the_mines.datasets.workspace import WorkspaceDataset
from mining_the_mines.incidental import lasting
from mining_the_mines.provenance.code import CodeHashes, code_state
from mining_the_mines.provenance.content import ContentHashes
from mining_the_mines.provenance.environment import read_environment
from mining_the_mines.provenance.git import GitState, read_git_state
from mining_the_mines.provenance.ledger import Ledger
from mining_the_mines.provenance.records import (
    CodeState,
    DatasetState,
    Environment,
    NodeRecord,
    hash_values,
    node_key,
)
from mining_the_mines.scenes.discretion import conceal_all

#: Where the ledger lies below the folder of data.
LEDGER: Final = "ledger"
_MEMORY: Final = "hashes.json"


@dataclass
class _Running:
    """A node under way."""

    key: str
    began: float
    inputs: tuple[DatasetState, ...]
    unsaved: set[str]


@dataclass
class Bookkeeper:
    """Keeps the books of one run.

    Attributes:
        project: Folder of the project.
        data: Folder that outputs lie in.
        catalog: Of the run.
        run_id: Of the tracked run, or of the session.
    """

    project: Path
    data: Path
    catalog: CatalogProtocol[Any, Any]
    run_id: str
    _records: dict[str, NodeRecord] = field(default_factory=dict)
    _running: dict[str, _Running] = field(default_factory=dict)
    _in_memory: dict[str, DatasetState] = field(default_factory=dict)

    @cached_property
    def ledger(self) -> Ledger:
        """Records of all nodes that ever ran here."""
        return Ledger(self.data / LEDGER)

    @cached_property
    def hashes(self) -> ContentHashes:
        """Of files."""
        return ContentHashes(self.data / LEDGER / _MEMORY)

    @cached_property
    def environment(self) -> Environment:
        """Packages and machine."""
        return read_environment(self.project)

    @cached_property
    def git(self) -> GitState:
        """What git said of the code as the run began."""
        return read_git_state(self.project)

    @cached_property
    def code(self) -> CodeState:
        """The code's state as the run began."""
        return code_state(self.git, self._code_hashes)

    @property
    def records(self) -> tuple[NodeRecord, ...]:
        """Of the nodes that are done."""
        return tuple(self._records.values())

    def key(self, node: Node) -> str:
        """Hash all that a node's outputs depend on; what it reads must be there."""
        return self._key(node, self._inputs(node))

    def begin(self, node: Node) -> None:
        """Note what a node reads."""
        inputs = self._inputs(node)
        key = self._key(node, inputs)
        self._running[node.name] = _Running(key, time.perf_counter(), inputs, set(node.outputs))

    def saved(self, node: Node, dataset: str) -> None:
        """Note that a node has written a dataset; with the last one it is done."""
        running = self._running[node.name]
        running.unsaved.discard(dataset)
        if not running.unsaved:
            self.done(node)

    def done(self, node: Node) -> None:
        """Write down what a node was made of, and what came out."""
        running = self._running.pop(node.name)
        for name in node.outputs:
            if self._is_in_memory(name):
                self._in_memory[name] = _derived(name, running.key)
        record = NodeRecord(
            node=node.name,
            key=running.key,
            run_id=self.run_id,
            finished=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=round(time.perf_counter() - running.began, 3),
            function=f"{node.func.__module__}:{node.func.__name__}",
            code_hash=self._code_hash(node),
            code=self.code,
            environment=self.environment,
            parameters=conceal_all(self._parameters(node)),
            inputs=running.inputs,
            outputs=tuple(self._state(name) for name in node.outputs),
        )
        self._records[node.name] = record
        self.ledger.add(record)

    def recall(self, node: Node) -> NodeRecord | None:
        """Find what the node made of the same code, parameters and inputs, if all of it still lies where it did."""
        for record in self.ledger.with_key(node.name, self.key(node)):
            if all(self._is_intact(state) for state in record.outputs):
                return record
        return None

    def reuse(self, record: NodeRecord) -> None:
        """Take over what a node once made: whoever reads it in this run reads that."""
        for state in record.outputs:
            if state.path is None:
                self._in_memory[state.dataset] = state
            else:
                read_from(self._dataset(state.dataset), state.version)
        self._records[record.node] = record

    def name_training(self, node: Node, *, goes_on: bool = False) -> None:
        """Tell the folder of checkpoints that a node reads whose they are, and whether to go on from them."""
        for dataset in map(self._dataset, self._data_inputs(node)):
            if isinstance(dataset, WorkspaceDataset):
                dataset.belong_to(self.key(node), goes_on=goes_on or dataset.goes_on)

    def close(self) -> None:
        """Remember hashes for the next run."""
        self.hashes.remember()

    @cached_property
    def _code_hashes(self) -> CodeHashes:
        return CodeHashes()

    def _inputs(self, node: Node) -> tuple[DatasetState, ...]:
        return tuple(self._state(name) for name in self._data_inputs(node))

    def _key(self, node: Node, inputs: tuple[DatasetState, ...]) -> str:
        return node_key(node.name, self._code_hash(node), self.environment, self._lasting_parameters(node), inputs)

    def _code_hash(self, node: Node) -> str:
        datasets = [type(self._dataset(name)).__module__ for name in [*self._data_inputs(node), *node.outputs]]
        return self._code_hashes.of([node.func.__module__, *datasets])

    def _state(self, name: str) -> DatasetState:
        if name in self._in_memory:
            return self._in_memory[name]
        return state_of(name, self._dataset(name), self.hashes, self.project)

    def _is_in_memory(self, name: str) -> bool:
        return place_of(self._dataset(name)) is None

    def _is_intact(self, state: DatasetState) -> bool:
        if state.path is None:
            return True
        return hash_at(self._dataset(state.dataset), self.project / state.path, self.hashes) == state.content_hash

    def _dataset(self, name: str) -> Any:  # noqa: ANN401 - any dataset
        return self.catalog.get(name, fallback_to_runtime_pattern=True)

    def _data_inputs(self, node: Node) -> Iterator[str]:
        return (name for name in dict.fromkeys(node.inputs) if not _is_parameter(name))

    def _parameters(self, node: Node) -> dict[str, Any]:
        return {name: plain(self.catalog.load(name)) for name in dict.fromkeys(node.inputs) if _is_parameter(name)}

    def _lasting_parameters(self, node: Node) -> dict[str, Any]:
        return {name: lasting(self.catalog.load(name)) for name in dict.fromkeys(node.inputs) if _is_parameter(name)}


def plain(value: Any) -> Any:  # noqa: ANN401 - any parameter
    """A parameter as JSON knows it."""
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _derived(name: str, key: str) -> DatasetState:
    return DatasetState(dataset=name, content_hash=hash_values([name, key]))
