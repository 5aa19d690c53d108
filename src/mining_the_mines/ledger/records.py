"""Records of runs: which datasets each node read and wrote, with what code and parameters, kept as JSON files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.hashing import NOTHING, hash_values

#: Paths of a run's record and of its uncommitted changes among the artifacts of the tracked run.
RUN_RECORD: Final = "provenance/run.json"
WORKING_TREE: Final = "provenance/working_tree.diff"
#: Folder of the ledger below a data folder.
LEDGER: Final = "ledger"
_PACKAGE: Final = __name__.partition(".")[0]
_NODES: Final = "nodes"
_RUNS: Final = "runs"
#: Digits of a key in a file name.
_DIGITS: Final = 16


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetState(_Record):
    """A dataset as a node read or wrote it.

    Attributes:
        dataset: Name in the catalog.
        version: Version; ``None`` if the catalog keeps none.
        path: Path relative to the project if it lies there; ``None`` for a dataset in memory.
        registered: Name and version of the model of the registry that was read instead, such as ``mine-segmenter 3``.
        registered_by: Run that registered that model; ``None`` if the registry knows none.
        content_hash: SHA-256 of the content; of a dataset in memory, of all that it was made from.
        parts: Content hashes of named results in it, such as the maps of single scenes.
        carried: Whether earlier runs left it for this one, so that it makes nothing stale.
    """

    dataset: str
    version: str | None = None
    path: str | None = None
    registered: str | None = None
    registered_by: str | None = None
    content_hash: str
    parts: dict[str, str] = {}
    carried: bool = False


class CodeState(_Record):
    """State of the code.

    Attributes:
        commit: SHA-1 of the commit; ``unknown`` outside a checkout.
        dirty: Whether the working tree differs from it; ``None`` outside a checkout.
        diff_hash: SHA-256 of the difference; ``None`` if there is none.
        package_hash: SHA-256 of the package's files.
    """

    commit: str
    dirty: bool | None
    diff_hash: str | None
    package_hash: str


class Environment(_Record):
    """Packages and machine.

    Attributes:
        lock_hash: SHA-256 of the lock file; ``None`` if there is none.
        python: Version of Python.
        packages: Versions of the packages that can change figures.
        platform: Operating system and processor.
        device: ``cpu``, or the name of the accelerator that networks are trained on.
        threads: Threads of torch, which change the last bits of sums; ``None`` in older records.
    """

    lock_hash: str | None
    python: str
    packages: dict[str, str]
    platform: str
    device: str
    threads: int | None = None


class NodeRecord(_Record):
    """A node that has run.

    Attributes:
        node: Name with namespace.
        key: SHA-256 of all that the outputs depend on; see :func:`node_key`.
        run_id: Run that the node ran in.
        finished: Time in UTC, ISO 8601.
        seconds: Duration in s.
        function: ``module:name``.
        code_hash: SHA-256 of the function's module and of all that it imports from the package.
        code: State of the code.
        environment: Packages and machine.
        parameters: Parameters by name, without passwords.
        inputs: Datasets that the node read.
        outputs: Datasets that the node wrote.
        files: Hashes of the files that parameters name, by path, relative to the project if they lie there.
    """

    node: str
    key: str
    run_id: str
    finished: str
    seconds: float
    function: str
    code_hash: str
    code: CodeState
    environment: Environment
    parameters: dict[str, Any]
    inputs: tuple[DatasetState, ...]
    outputs: tuple[DatasetState, ...]
    files: dict[str, str] = {}


class Wiring(_Record):
    """A node's place in the pipeline.

    Attributes:
        node: Name with namespace.
        function: ``module:name``.
        inputs: Datasets and parameters in the order of the function's arguments.
        outputs: Datasets in the order of the function's results.
    """

    node: str
    function: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class RunRequest(_Record):
    """The arguments of ``KedroSession.run`` (and of the session) that a run was started with."""

    pipeline_names: tuple[str, ...] = ()
    env: str | None = None
    runtime_params: dict[str, Any] = {}
    load_versions: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    node_names: tuple[str, ...] = ()
    from_nodes: tuple[str, ...] = ()
    to_nodes: tuple[str, ...] = ()
    from_inputs: tuple[str, ...] = ()
    to_outputs: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


class RunRecord(_Record):
    """A run: all that is needed to repeat it and to compare the results.

    Attributes:
        run_id: Id of the tracked run, or of the session.
        request: Arguments of the run.
        parameters: All parameters that results depend on, without passwords.
        catalog_hash: SHA-256 of the catalog's configuration.
        catalog_entries: SHA-256 of each entry of the catalog; empty in older records.
        code: State of the code.
        environment: Packages and machine.
        nodes: Records of its nodes in order, with those that were up to date.
    """

    run_id: str
    request: RunRequest
    parameters: dict[str, Any]
    catalog_hash: str
    catalog_entries: dict[str, str] = {}
    code: CodeState
    environment: Environment
    nodes: tuple[NodeRecord, ...]

    def raw_inputs(self) -> dict[str, DatasetState]:
        """Datasets that the run read and did not write, by name, without volatile ones."""
        written = {state.dataset for node in self.nodes for state in node.outputs}
        return {
            state.dataset: state
            for node in self.nodes
            for state in node.inputs
            if (state.dataset not in written or state.registered is not None)
            and state.content_hash != NOTHING
            and not (state.path is not None and self.wrote(state.path))
        }

    def named_files(self) -> dict[str, str]:
        """Hashes of files that parameters named and the run did not write, by path."""
        return {path: held for node in self.nodes for path, held in node.files.items() if not self.wrote(path)}

    def wrote(self, path: str) -> bool:
        """Whether a path lies where the run wrote an output."""
        places = (state.path for state in self.outputs().values() if state.path is not None)
        return any(PurePath(path).is_relative_to(place) for place in places)

    def outputs(self) -> dict[str, DatasetState]:
        """Datasets that the run wrote to disk, by name."""
        return {state.dataset: state for node in self.nodes for state in node.outputs if state.path is not None}


def node_key(
    wiring: Wiring,
    code_hash: str,
    environment: Environment,
    parameters: Mapping[str, Any],
    inputs: Sequence[DatasetState],
    entries: Mapping[str, Any],
    files: Mapping[str, str],
) -> str:
    """Hash all that a node's outputs depend on.

    The device, the machine, and the time and place of inputs do not count.

    Args:
        wiring: Function, inputs and outputs.
        code_hash: Hash of the code.
        environment: Of which the lock file, the versions of packages and Python's minor version count. The version of
            this package does not: its code counts.
        parameters: Parameters as JSON values.
        inputs: States of the other inputs; the content of carried ones does not count.
        entries: Catalog entries of inputs and outputs.
        files: Hashes of the files that parameters name, by path.

    Returns:
        SHA-256 as 64 hexadecimal digits.
    """
    python = environment.python.split(".")[:2]
    held = sorted((state.dataset, NOTHING if state.carried else state.content_hash) for state in inputs)
    packages = {name: version for name, version in environment.packages.items() if name != _PACKAGE}
    wired = wiring.model_dump(mode="json")
    return hash_values([wired, code_hash, environment.lock_hash, python, packages, parameters, held, entries, files])


Read = TypeVar("Read", NodeRecord, RunRecord)


@dataclass(frozen=True)
class Ledger:
    """Folders of records, to which records are only added.

    Attributes:
        folder: The folder that is written to; may be missing.
        others: Folders that are read as well, such as the ledgers of other environments.
    """

    folder: Path
    others: tuple[Path, ...] = ()

    @classmethod
    def of_project(cls, project: Path) -> "Ledger":
        """The ledgers of all environments of a project, whose data folders lie in ``data`` or are ``data`` itself."""
        data = project / "data"
        found = [path for path in (data / LEDGER, *sorted(data.glob(f"*/{LEDGER}"))) if path.is_dir()]
        return cls(found[0], tuple(found[1:])) if found else cls(data / LEDGER)

    def add(self, record: NodeRecord) -> None:
        """Write the record of a node."""
        time = re.sub(r"\D", "", record.finished)
        place = self.folder / _NODES / record.node / f"{time}-{record.key[:_DIGITS]}.json"
        with whole_file(place) as draft:
            draft.write_text(record.model_dump_json(indent=1), encoding="utf-8")

    def add_run(self, record: RunRecord) -> None:
        """Write the record of a run; replaces an earlier record of the same run."""
        with whole_file(self.folder / _RUNS / f"{record.run_id}.json") as draft:
            draft.write_text(record.model_dump_json(indent=1), encoding="utf-8")

    def run(self, run_id: str) -> RunRecord | None:
        """Read the record of a run; ``None`` if there is none."""
        found = (_read(folder / _RUNS / f"{run_id}.json", RunRecord) for folder in self._folders)
        return next((record for record in found if record is not None), None)

    def with_key(self, node: str, key: str) -> Iterator[NodeRecord]:
        """Find the records of a node with a key, the newest first."""
        for path in sorted((self.folder / _NODES / node).glob(f"*-{key[:_DIGITS]}.json"), reverse=True):
            record = _read(path, NodeRecord)
            if record is not None and record.key == key:
                yield record

    @cached_property
    def nodes(self) -> tuple[NodeRecord, ...]:
        """All records of nodes, the newest first."""
        paths = (path for folder in self._folders for path in (folder / _NODES).glob("*/*.json"))
        records = (_read(path, NodeRecord) for path in paths)
        return tuple(sorted((record for record in records if record), key=lambda record: record.finished, reverse=True))

    @property
    def _folders(self) -> tuple[Path, ...]:
        return (self.folder, *self.others)


def _read(path: Path, form: type[Read]) -> Read | None:
    """Read a record; ``None`` for one that is missing, damaged or of an incompatible older version."""
    try:
        return form.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
