"""Keeps the books of a run: what every node read and wrote."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from kedro.io import CatalogProtocol
from kedro.pipeline.node import Node
from pydantic import BaseModel

from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.core.hashing import ContentHashes, hash_values
from mining_the_mines.core.redaction import redact_all
from mining_the_mines.datasets.workspace import WorkspaceDataset
from mining_the_mines.ledger.catalog_entries import BESIDE
from mining_the_mines.ledger.code import CodeHashes, code_state
from mining_the_mines.ledger.environment import read_environment
from mining_the_mines.ledger.git import GitState, read_git_state
from mining_the_mines.ledger.parameter_files import named_files
from mining_the_mines.ledger.records import (
    CodeState,
    DatasetState,
    Environment,
    NodeRecord,
    Wiring,
    node_key,
)
from mining_the_mines.ledger.states import AlwaysChanges, hash_at, place_of, shown_path, state_of, state_read
from mining_the_mines.ledger.store import Ledger
from mining_the_mines.ledger.versions import bring_forward, is_newest, place_of_version, read_from

#: Where the ledger lies below the folder of data.
LEDGER: Final = "ledger"
_MEMORY: Final = "hashes.json"


@dataclass
class _Running:
    """A node under way."""

    key: str
    began: float
    inputs: tuple[DatasetState, ...]
    files: dict[str, str]
    unsaved: set[str]


@dataclass
class RunRecorder:
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
        return self._key(node, self._inputs(node), self._files(node))

    def begin(self, node: Node) -> None:
        """Note what a node reads."""
        inputs, files = self._inputs(node), self._files(node)
        key = self._key(node, inputs, files)
        self._running[node.name] = _Running(key, time.perf_counter(), inputs, files, set(node.outputs))

    def saved(self, node: Node, dataset: str) -> None:
        """Note that a node has written a dataset; with the last one it is done."""
        running = self._running[node.name]
        running.unsaved.discard(dataset)
        if not running.unsaved:
            self.done(node)

    def done(self, node: Node) -> None:
        """Write down what a node was made of, and what came out."""
        running = self._running.pop(node.name)
        unfinished = any(self._changes(name) for name in node.outputs)
        for name in node.outputs:
            if self._is_in_memory(name):
                self._in_memory[name] = _derived(name, running.key)
        record = NodeRecord(
            node=node.name,
            key=hash_values([running.key, self.run_id]) if unfinished else running.key,
            run_id=self.run_id,
            finished=_now(),
            seconds=round(time.perf_counter() - running.began, 3),
            function=_function(node),
            code_hash=self._code_hash(node),
            code=self.code,
            environment=self.environment,
            parameters=redact_all(self._parameters(node)),
            inputs=running.inputs,
            outputs=tuple(self._written(name) for name in node.outputs),
            files=running.files,
        )
        self._records[node.name] = record
        self.ledger.add(record)

    def recall(self, node: Node) -> NodeRecord | None:
        """Find what the node made of the same code, parameters and inputs, if all of it still lies where it did."""
        for record in self.ledger.with_key(node.name, self.key(node)):
            if all(self._is_intact(state) for state in record.outputs) and self._can_be_reused(record):
                return record
        return None

    def reuse(self, record: NodeRecord) -> None:
        """Take over what a node once made: whoever reads it, in this run or later, reads that."""
        outputs = tuple(self._brought_forward(state) for state in record.outputs)
        for state in outputs:
            if state.path is None:
                self._in_memory[state.dataset] = state
            else:
                read_from(self._dataset(state.dataset), state.version)
        if outputs != record.outputs:
            record = record.model_copy(update={"outputs": outputs, "finished": _now()})
            self.ledger.add(record)
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
        return tuple(self._read(name) for name in self._data_inputs(node))

    def _files(self, node: Node) -> dict[str, str]:
        """What a node's parameters name, by path."""
        named = named_files(self._lasting_parameters(node), self.project)
        return {shown_path(path, self.project): self.hashes.of(path) for path in named}

    def _key(self, node: Node, inputs: tuple[DatasetState, ...], files: Mapping[str, str]) -> str:
        return node_key(
            Wiring(node=node.name, function=_function(node), inputs=tuple(node.inputs), outputs=tuple(node.outputs)),
            self._code_hash(node),
            self.environment,
            self._lasting_parameters(node),
            [self._at_this_moment(state) for state in inputs],
            {name: self._entry(name) for name in [*self._data_inputs(node), *node.outputs]},
            files,
        )

    def _at_this_moment(self, state: DatasetState) -> DatasetState:
        """What no hash can tell is another one in every run."""
        return _derived(state.dataset, self.run_id) if self._changes(state.dataset) else state

    def _changes(self, name: str) -> bool:
        dataset = self._dataset(name)
        return isinstance(dataset, AlwaysChanges) and dataset.always_changes

    def _entry(self, name: str) -> Any:  # noqa: ANN401 - as configuration is
        """What the catalog says of a dataset, but how others show it and how one logs in."""
        catalog: Any = self.catalog  # Kedro's protocol knows less than its one catalog offers
        entry = catalog.config_resolver.resolve_pattern(name)
        return _told({part: value for part, value in entry.items() if part not in BESIDE}, self.project)

    def _code_hash(self, node: Node) -> str:
        datasets = [type(self._dataset(name)).__module__ for name in [*self._data_inputs(node), *node.outputs]]
        return self._code_hashes.of([_function(node).partition(":")[0], *datasets])

    def _read(self, name: str) -> DatasetState:
        if name in self._in_memory:
            return self._in_memory[name]
        return state_read(name, self._dataset(name), self.hashes, self.project)

    def _written(self, name: str) -> DatasetState:
        if name in self._in_memory:
            return self._in_memory[name]
        return state_of(name, self._dataset(name), self.hashes, self.project)

    def _is_in_memory(self, name: str) -> bool:
        return place_of(self._dataset(name)) is None

    def _is_intact(self, state: DatasetState) -> bool:
        """Whether what was written lies where the catalog has it now, and holds what it did."""
        if state.path is None:
            return True
        dataset = self._dataset(state.dataset)
        place = place_of(dataset) if state.version is None else place_of_version(dataset, state.version)
        if place is None or shown_path(place, self.project) != state.path:
            return False
        return hash_at(dataset, place, self.hashes) == state.content_hash

    def _can_be_reused(self, record: NodeRecord) -> bool:
        """Not if it has to run again for what it left in memory, and would write over what was brought forward."""
        is_in_memory = any(state.path is None for state in record.outputs)
        return not (is_in_memory and any(self._is_hidden(state) for state in record.outputs))

    def _is_hidden(self, state: DatasetState) -> bool:
        """Whether a newer version is what others would read."""
        return state.version is not None and not is_newest(self._dataset(state.dataset), state.version)

    def _brought_forward(self, state: DatasetState) -> DatasetState:
        if state.version is None or not self._is_hidden(state):
            return state
        version, place = bring_forward(self._dataset(state.dataset), state.version)
        return state.model_copy(update={"version": version, "path": shown_path(place, self.project)})

    def _dataset(self, name: str) -> Any:  # noqa: ANN401 - any dataset
        return self.catalog.get(name, fallback_to_runtime_pattern=True)

    def _data_inputs(self, node: Node) -> Iterator[str]:
        return (name for name in dict.fromkeys(node.inputs) if not _is_parameter(name))

    def _parameters(self, node: Node) -> dict[str, Any]:
        return {name: plain(self.catalog.load(name)) for name in dict.fromkeys(node.inputs) if _is_parameter(name)}

    def _lasting_parameters(self, node: Node) -> dict[str, Any]:
        return {
            name: result_parameters(self.catalog.load(name))
            for name in dict.fromkeys(node.inputs)
            if _is_parameter(name)
        }


def plain(value: Any) -> Any:  # noqa: ANN401 - any parameter
    """A parameter as JSON knows it."""
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _function(node: Node) -> str:
    """A node's function, as ``module:name``; of one with some arguments filled in, the function itself."""
    function = node.func
    while isinstance(function, partial):
        function = function.func
    return f"{function.__module__}:{function.__qualname__}"


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _told(value: Any, project: Path) -> Any:  # noqa: ANN401 - any configuration
    """A value as it would be in the same project elsewhere."""
    if isinstance(value, Mapping):
        return {str(name): _told(part, project) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_told(part, project) for part in value]
    return shown_path(Path(value), project) if isinstance(value, str) and Path(value).is_absolute() else value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _derived(name: str, key: str) -> DatasetState:
    return DatasetState(dataset=name, content_hash=hash_values([name, key]))
