"""What a node has read and written, and what a run was made of."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from mining_the_mines.core.hashing import NOTHING, hash_values

#: Where a run's record lies among the files of the tracked run, and how the code differed from its commit.
RUN_RECORD: Final = "provenance/run.json"
WORKING_TREE: Final = "provenance/working_tree.diff"
_OWN: Final = __name__.partition(".")[0]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetState(_Record):
    """What a dataset held when a node read or wrote it.

    Attributes:
        dataset: Its name in the catalog.
        version: Its version; ``None`` if it has none, since it is addressed by its content or was handed over.
        path: Where it lies, relative to the project if it lies in it; ``None`` for what is in memory only.
        registered: Name and version of the registered model that was read in its place, such as ``mine-segmenter 3``.
        registered_by: The run that registered that model; ``None`` where the registry knows none.
        content_hash: SHA-256 of what it holds; of what is in memory only, of all that it was made from.
        parts: Hashes of things in it that have a name of their own, such as maps of scenes, by that name.
    """

    dataset: str
    version: str | None = None
    path: str | None = None
    registered: str | None = None
    registered_by: str | None = None
    content_hash: str
    parts: dict[str, str] = {}


class NodeRecord(_Record):
    """What a node was made of, and what came out.

    Attributes:
        node: Its name, with its namespace.
        key: SHA-256 of all that its outputs depend on: code, environment, parameters, what its inputs hold.
        run_id: The run that it was a part of.
        finished: When it was done, ISO 8601 in UTC.
        seconds: How long it took.
        function: Its function, as ``module:name``.
        code_hash: SHA-256 of the function's module and of all that it imports from the package.
        code: The code's state.
        environment: Packages and machine.
        parameters: Those that it takes, by name, without passwords.
        inputs: What it has read.
        outputs: What it has written.
        files: Hashes of what its parameters name, such as a scene to map, by path, relative to the project if it lies
            in it; older records tell of none.
    """

    node: str
    key: str
    run_id: str
    finished: str
    seconds: float
    function: str
    code_hash: str
    code: "CodeState"
    environment: "Environment"
    parameters: dict[str, Any]
    inputs: tuple[DatasetState, ...]
    outputs: tuple[DatasetState, ...]
    files: dict[str, str] = {}


class Wiring(_Record):
    """How a node hangs together with others.

    Attributes:
        node: Its name, with its namespace.
        function: Its function, as ``module:name``.
        inputs: Datasets and parameters in the order in which the function takes them.
        outputs: Datasets in the order in which it gives them.
    """

    node: str
    function: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class CodeState(_Record):
    """The state of the code.

    Attributes:
        commit: Of git; ``unknown`` outside a checkout.
        dirty: Whether the working tree differs from it; ``None`` where nobody knows.
        diff_hash: SHA-256 of the difference; ``None`` if there is none.
        package_hash: SHA-256 of the package's files, whatever git says.
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
        device: What networks are trained on: ``cpu``, or the name of the accelerator.
        threads: That torch shares its sums out among, which changes their last bits; ``None`` where nobody noted it.
    """

    lock_hash: str | None
    python: str
    packages: dict[str, str]
    platform: str
    device: str
    threads: int | None = None


class RunRequest(_Record):
    """What was asked of Kedro, in the words of ``KedroSession.run``.

    Attributes:
        pipeline_names: Pipelines; none for the default one.
        env: Environment of the configuration.
        runtime_params: Parameters of the command line, without passwords.
        load_versions: Versions of datasets that were asked for.
        tags: Only nodes with these tags.
        node_names: Only these nodes.
        from_nodes: From these nodes on.
        to_nodes: Up to these nodes.
        from_inputs: From these datasets on.
        to_outputs: Up to these datasets.
        namespaces: Only these namespaces.
    """

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
    """What a run was made of, and what came out: all that is needed to do it again and to compare.

    Attributes:
        run_id: Of the tracked run.
        request: What was asked for.
        parameters: All parameters that results depend on, without passwords.
        catalog_hash: SHA-256 of the catalog's configuration.
        catalog_entries: SHA-256 of what it says of each dataset
            (:func:`~mining_the_mines.ledger.catalog_entries.hash_entries`); older records have none.
        code: The code's state.
        environment: Packages and machine.
        nodes: What its nodes read and wrote, in order; those that were not needed again, as they once ran.
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
        """What the run read and did not make, by dataset, without what no result depends on."""
        written = {state.dataset for node in self.nodes for state in node.outputs}
        return {
            state.dataset: state
            for node in self.nodes
            for state in node.inputs
            if (state.dataset not in written or state.registered is not None)
            and state.content_hash != NOTHING
            and not (state.path is not None and self.makes(state.path))
        }

    def named_files(self) -> dict[str, str]:
        """Hashes of what parameters named and the run did not make, by path."""
        return {path: held for node in self.nodes for path, held in node.files.items() if not self.makes(path)}

    def makes(self, path: str) -> bool:
        """Whether something lies where the run wrote; its path is relative to the project if it lies in it."""
        places = (state.path for state in self.outputs().values() if state.path is not None)
        return any(PurePath(path).is_relative_to(place) for place in places)

    def outputs(self) -> dict[str, DatasetState]:
        """What the run wrote to files, by dataset."""
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

    Neither the device nor the machine counts, nor when and where inputs were written.

    Args:
        wiring: Which function it is, and what is handed to it in which order.
        code_hash: Of its code.
        environment: Of which the lock file, the packages that are installed and Python's minor version count. Of this
            package the code counts instead.
        parameters: Those that it takes, as JSON knows them.
        inputs: What the others hold.
        entries: What the catalog says of all that it reads and writes.
        files: Hashes of what its parameters name, by path.

    Returns:
        64 hexadecimal digits.
    """
    python = environment.python.split(".")[:2]
    held = sorted((state.dataset, state.content_hash) for state in inputs)
    packages = {name: version for name, version in environment.packages.items() if name != _OWN}
    wired = wiring.model_dump(mode="json")
    made_of = [wired, code_hash, environment.lock_hash, python, packages, parameters, held, entries, files]
    return hash_values(made_of)
