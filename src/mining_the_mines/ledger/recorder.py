"""Records the nodes of a run, and finds those that are up to date."""

import json
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
from mining_the_mines.ledger.code import code_state, hash_modules, read_environment
from mining_the_mines.ledger.git import GitState, read_git_state
from mining_the_mines.ledger.parameter_files import named_files
from mining_the_mines.ledger.records import (
    LEDGER,
    CodeState,
    DatasetState,
    Environment,
    Ledger,
    NodeRecord,
    Wiring,
    node_key,
)
from mining_the_mines.ledger.states import (
    bring_forward,
    content_of,
    is_newest,
    place_of,
    place_of_version,
    read_version,
    shown_path,
    state_of,
    state_read,
)

#: Fields of a catalog entry that change nothing in what is read or written.
IGNORED_FIELDS: Final = ("metadata", "credentials")
#: File of the ledger that keeps the hashes of files from run to run.
MEMORY: Final = "hashes.json"
#: Key of a JSON output whose work is not finished, such as a registration while the registry does not answer: the node
#: is never up to date.
_PENDING: Final = "pending"


@dataclass
class _Running:
    """A node that has started."""

    key: str
    began: float
    inputs: tuple[DatasetState, ...]
    files: dict[str, str]
    unsaved: set[str]


@dataclass
class RunRecorder:
    """Records one run.

    Attributes:
        project: Folder of the project.
        data: Data folder of the environment.
        catalog: Catalog of the run.
        run_id: Id of the tracked run, or of the session.
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
        """Records of earlier runs in this data folder."""
        return Ledger(self.data / LEDGER)

    @cached_property
    def hashes(self) -> ContentHashes:
        """Hashes of files."""
        return ContentHashes(self.data / LEDGER / MEMORY)

    @cached_property
    def environment(self) -> Environment:
        """Packages and machine."""
        return read_environment(self.project)

    @cached_property
    def git(self) -> GitState:
        """State of git as the run began."""
        return read_git_state(self.project)

    @cached_property
    def code(self) -> CodeState:
        """State of the code as the run began."""
        return code_state(self.git)

    @property
    def records(self) -> tuple[NodeRecord, ...]:
        """Records of the nodes that have finished or were up to date."""
        return tuple(self._records.values())

    def begin(self, node: Node) -> None:
        """Note the inputs of a node."""
        inputs, files = self._inputs(node), self._files(node)
        key = self._key(node, inputs, files)
        self._running[node.name] = _Running(key, time.perf_counter(), inputs, files, set(node.outputs))

    def saved(self, node: Node, dataset: str) -> None:
        """Note that an output was saved; the last one finishes the node."""
        running = self._running[node.name]
        running.unsaved.discard(dataset)
        if not running.unsaved:
            self.done(node)

    def done(self, node: Node) -> None:
        """Write the record of a finished node."""
        running = self._running.pop(node.name)
        for name in node.outputs:
            if place_of(self._dataset(name)) is None:
                self._in_memory[name] = _derived(name, running.key)
        is_pending = any(self._is_pending(name) for name in node.outputs)
        record = NodeRecord(
            node=node.name,
            key=hash_values([running.key, self.run_id]) if is_pending else running.key,
            run_id=self.run_id,
            finished=_now(),
            seconds=round(time.perf_counter() - running.began, 3),
            function=_function(node),
            code_hash=self._code_hash(node),
            code=self.code,
            environment=self.environment,
            parameters=redact_all({name: plain(value) for name, value in self._parameters(node).items()}),
            inputs=running.inputs,
            outputs=tuple(self._written(name) for name in node.outputs),
            files=running.files,
        )
        self._records[node.name] = record
        self.ledger.add(record)

    def recall(self, node: Node) -> NodeRecord | None:
        """Find the record of an earlier run that makes a node up to date.

        Args:
            node: A node whose inputs are ready.

        Returns:
            A record with the same key whose outputs are still intact; ``None`` if the node must run.
        """
        key = self._key(node, self._inputs(node), self._files(node))
        for record in self.ledger.with_key(node.name, key):
            if all(self._is_intact(state) for state in record.outputs) and self._can_be_reused(record):
                return record
        return None

    def reuse(self, record: NodeRecord) -> None:
        """Make the outputs of an earlier run those of this one, for this run and later ones."""
        outputs = tuple(self._brought_forward(state) for state in record.outputs)
        for state in outputs:
            if state.path is None:
                self._in_memory[state.dataset] = state
            else:
                read_version(self._dataset(state.dataset), state.version)
        if outputs != record.outputs:
            record = record.model_copy(update={"outputs": outputs, "finished": _now()})
            self.ledger.add(record)
        self._records[record.node] = record

    def close(self) -> None:
        """Keep the hashes of files for the next run."""
        self.hashes.remember()

    def _inputs(self, node: Node) -> tuple[DatasetState, ...]:
        return tuple(
            self._in_memory.get(name) or state_read(name, self._dataset(name), self.hashes, self.project)
            for name in self._data_inputs(node)
        )

    def _files(self, node: Node) -> dict[str, str]:
        """Hashes of the files that a node's parameters name, by path."""
        named = named_files(self._result_parameters(node), self.project)
        return {shown_path(path, self.project): self.hashes.of(path) for path in named}

    def _key(self, node: Node, inputs: tuple[DatasetState, ...], files: Mapping[str, str]) -> str:
        return node_key(
            Wiring(node=node.name, function=_function(node), inputs=tuple(node.inputs), outputs=tuple(node.outputs)),
            self._code_hash(node),
            self.environment,
            self._result_parameters(node),
            inputs,
            {name: self._entry(name) for name in [*self._data_inputs(node), *node.outputs]},
            files,
        )

    def _is_pending(self, name: str) -> bool:
        place = place_of(self._dataset(name))
        if place is None or place.suffix != ".json" or not place.is_file():
            return False
        written = json.loads(place.read_text(encoding="utf-8"))
        return isinstance(written, dict) and bool(written.get(_PENDING))

    def _entry(self, name: str) -> Any:  # noqa: ANN401 - as YAML has it
        catalog: Any = self.catalog  # Kedro's protocol lacks the resolver of its one catalog
        entry = catalog.config_resolver.resolve_pattern(name)
        return _relocated({part: value for part, value in entry.items() if part not in IGNORED_FIELDS}, self.project)

    def _code_hash(self, node: Node) -> str:
        datasets = [type(self._dataset(name)).__module__ for name in [*self._data_inputs(node), *node.outputs]]
        return hash_modules([_function(node).partition(":")[0], *datasets])

    def _written(self, name: str) -> DatasetState:
        return self._in_memory.get(name) or state_of(name, self._dataset(name), self.hashes, self.project)

    def _is_intact(self, state: DatasetState) -> bool:
        """Whether an output lies where the catalog has it now, with the same content."""
        if state.path is None:
            return True
        dataset = self._dataset(state.dataset)
        place = place_of(dataset) if state.version is None else place_of_version(dataset, state.version)
        if place is None or shown_path(place, self.project) != state.path:
            return False
        return content_of(dataset, place, self.hashes) == state.content_hash

    def _can_be_reused(self, record: NodeRecord) -> bool:
        """False if the node must rerun for outputs in memory and would overwrite a restored version."""
        has_memory = any(state.path is None for state in record.outputs)
        return not (has_memory and any(self._is_superseded(state) for state in record.outputs))

    def _is_superseded(self, state: DatasetState) -> bool:
        return state.version is not None and not is_newest(self._dataset(state.dataset), state.version)

    def _brought_forward(self, state: DatasetState) -> DatasetState:
        if state.version is None or not self._is_superseded(state):
            return state
        version, place = bring_forward(self._dataset(state.dataset), state.version)
        return state.model_copy(update={"version": version, "path": shown_path(place, self.project)})

    def _dataset(self, name: str) -> Any:  # noqa: ANN401 - any dataset
        return self.catalog.get(name, fallback_to_runtime_pattern=True)

    def _data_inputs(self, node: Node) -> Iterator[str]:
        return (name for name in dict.fromkeys(node.inputs) if not _is_parameter(name))

    def _parameters(self, node: Node) -> dict[str, Any]:
        return {name: self.catalog.load(name) for name in dict.fromkeys(node.inputs) if _is_parameter(name)}

    def _result_parameters(self, node: Node) -> dict[str, Any]:
        return {name: result_parameters(value) for name, value in self._parameters(node).items()}


def plain(value: Any) -> Any:  # noqa: ANN401 - any parameter
    """A parameter as a JSON value."""
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _function(node: Node) -> str:
    """A node's function as ``module:name``; of a partial, the function inside."""
    function = node.func
    while isinstance(function, partial):
        function = function.func
    return f"{function.__module__}:{function.__qualname__}"


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _relocated(value: Any, project: Path) -> Any:  # noqa: ANN401 - any configuration
    """A value with paths relative to the project, so that it is equal in a copy of the project."""
    if isinstance(value, Mapping):
        return {str(name): _relocated(part, project) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_relocated(part, project) for part in value]
    return shown_path(Path(value), project) if isinstance(value, str) and Path(value).is_absolute() else value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _derived(name: str, key: str) -> DatasetState:
    return DatasetState(dataset=name, content_hash=hash_values([name, key]))
