"""Repeats a tracked run beside the project's data and compares the results."""

import os
from collections.abc import Collection, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final, TypeVar

from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines, settings
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from pydantic import ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.core.hashing import NOTHING, ContentHashes
from mining_the_mines.core.redaction import redact_all
from mining_the_mines.hooks.given_parameters import GivenParameters
from mining_the_mines.hooks.recording import RunRecording
from mining_the_mines.ledger.catalog_facts import facts_of
from mining_the_mines.ledger.code import code_state, read_environment
from mining_the_mines.ledger.comparison import (
    Compared,
    Difference,
    all_agree,
    catalog_differences,
    code_differences,
    compare_metrics,
    compare_outputs,
    data_differences,
    environment_differences,
    file_differences,
    inexact_outputs,
    parameter_differences,
)
from mining_the_mines.ledger.git import read_git_state
from mining_the_mines.ledger.parameter_files import named_files
from mining_the_mines.ledger.records import RUN_RECORD, Ledger, RunRecord
from mining_the_mines.ledger.scratch import make_scratch, remove_scratch
from mining_the_mines.ledger.states import MayBeRegistered, content_of, read_index, shown_path
from mining_the_mines.tracking.runs import TrackedFacts, find_run
from mining_the_mines.tracking.store import RunStore

Hook = TypeVar("Hook")

#: Tag of nodes that read or change the model registry. They are not repeated: a model is registered once.
REGISTRY_TAG: Final = "registry"
#: Metrics that those nodes log.
_REGISTRY_METRICS: Final = "registration/"
#: Tag of a tracked run that repeats another one.
REPRODUCES: Final = "reproduces"
_TRACKING_URI: Final = "MLFLOW_TRACKING_URI"
#: Missing files that a refusal names one by one.
_MOST_LISTED: Final = 5


@dataclass(frozen=True)
class Reproduction:
    """Result of repeating a run.

    Attributes:
        run: The second run as it is tracked.
        project: Folder of its files.
        metrics: Metrics of both runs.
        outputs: Outputs and raw inputs of both runs.
        left_out: Nodes that were not repeated.
    """

    run: TrackedFacts
    project: Path
    metrics: list[Compared]
    outputs: list[Compared]
    left_out: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the second run reproduced the first."""
        return all_agree(self.metrics, self.outputs)


def read_record(run: TrackedFacts, project: Path) -> RunRecord:
    """Read the record of a tracked run, from its artifacts or else from the project's ledger.

    Args:
        run: The run.
        project: Folder of the project.

    Raises:
        BadInputError: There is no record, or an older version wrote one that can't be read.
    """
    try:
        return RunRecord.model_validate_json(run.artifact(RUN_RECORD).read_bytes())
    except (BadInputError, ValidationError) as error:
        record = Ledger.of_project(project).run(run.id)
        if record is None:
            raise BadInputError(
                f"Run {run.short} ({run.name}) has no record that this version can read, neither among its files in "
                f"MLflow nor in a ledger below {project / 'data'}: an older version made it, or its files are gone."
            ) from error
        return record


def find_differences(record: RunRecord, project: Path) -> list[Difference]:
    """Compare what a run was made from with the project today.

    Args:
        record: Record of the run.
        project: Folder of the project.
    """
    found = [*code_differences(record.code, code_state(read_git_state(project)))]
    found += environment_differences(record.environment, read_environment(project))
    hashes = ContentHashes()
    with _session(record, project) as (_, context):
        found += parameter_differences(record.parameters, redact_all(result_parameters(context.params)))
        found += catalog_differences(record, context.config_loader["catalog"])
        found += data_differences(record, _inputs_now(record, context.catalog, project, hashes))
        found += _missing_files(record, context.catalog, project)
    found += file_differences(record, {path: hashes.of(project / path) for path in record.named_files()})
    return found


def repeat_run(record: RunRecord, project: Path, store: RunStore, tolerance: float) -> Reproduction:
    """Repeat a run beside the project's data and compare the results.

    Args:
        record: Record of the run.
        project: Folder of the project.
        store: Where runs are tracked.
        tolerance: Absolute difference of metrics that counts as close. If it is not 0, datasets that networks on an
            accelerator computed may differ.

    Raises:
        BadInputError: The run has only nodes that are not repeated.
    """
    left_out = _left_out(record)
    if len(left_out) == len(record.nodes):
        raise BadInputError(
            f"Run {record.run_id[:12]} can't be repeated: it has no nodes but those that read or change the model "
            f"registry ({', '.join(left_out) or 'none'}); name a run that trains or maps."
        )
    with _session(record, project) as (_, context):
        scratch = make_scratch(project, list(_inputs(record, context.catalog, project)))
        networks = _networks(record, context.catalog)
    try:
        _run(record, scratch, store, [node.node for node in record.nodes if node.node not in left_out])
    except BaseException:  # half a run proves nothing
        remove_scratch(scratch, project)
        raise
    again = find_run(_hook(RunRecording).recorder.run_id, store)
    then = record.model_copy(update={"nodes": tuple(node for node in record.nodes if node.node not in left_out)})
    now = read_record(again, scratch)
    return Reproduction(
        run=again,
        project=scratch,
        metrics=compare_metrics(_metrics(find_run(record.run_id, store)), _metrics(again), tolerance),
        outputs=compare_outputs(then, now, inexact_outputs(networks, then, now) if tolerance else ()),
        left_out=left_out,
    )


def _left_out(record: RunRecord) -> tuple[str, ...]:
    tagged = {node.name for pipeline in pipelines.values() for node in pipeline.nodes if REGISTRY_TAG in node.tags}
    return tuple(node.node for node in record.nodes if node.node in tagged)


def _run(record: RunRecord, scratch: Path, store: RunStore, names: Collection[str]) -> None:
    with _tracked_at(store.address), chdir(scratch), _session(record, scratch) as (session, _):
        recording, parameters = _hook(RunRecording), _hook(GivenParameters)
        recording.notes, parameters.refuses_unread = {REPRODUCES: record.run_id}, False
        try:
            session.run(
                pipeline_names=list(record.request.pipeline_names) or None,
                node_names=list(names),  # never empty, which would mean all
                load_versions=record.request.load_versions,
            )
        finally:
            recording.notes, parameters.refuses_unread = {}, True


def _inputs(record: RunRecord, catalog: Any, project: Path) -> Iterator[Path]:  # noqa: ANN401 - Kedro's catalog
    """Files and folders that a run reads and does not make."""
    folders = {
        state.path for node in record.nodes for state in node.inputs if state.content_hash == NOTHING and state.path
    }
    for name, state in record.raw_inputs().items():
        if state.path is not None and state.registered is None:  # a registered model is fetched again
            path = project / state.path
            yield path
            # Files in a work folder belong to a simulated archive, which is whole or not used again.
            yield from (project / folder for folder in folders if PurePath(folder) in PurePath(state.path).parents[:-1])
            dataset = catalog.get(name)
            index = None if dataset is None else read_index(dataset, path)
            yield from () if index is None else index.files
    named = named_files(record.parameters, project)
    yield from (path for path in named if not record.wrote(shown_path(path, project)))


def _networks(record: RunRecord, catalog: Any) -> frozenset[str]:  # noqa: ANN401 - Kedro's catalog
    """Datasets of a run that hold networks, as the catalog's metadata say."""
    names = {state.dataset for node in record.nodes for state in (*node.inputs, *node.outputs)}
    return frozenset(name for name in names if facts_of(name, catalog.get(name)).networks)


def _inputs_now(record: RunRecord, catalog: Any, project: Path, hashes: ContentHashes) -> dict[str, str]:  # noqa: ANN401 - Kedro's catalog
    """Content hashes of a run's raw inputs today."""
    now = {}
    for name, state in record.raw_inputs().items():
        dataset, path = catalog.get(name), project / (state.path or "")
        model = dataset.find_registered() if isinstance(dataset, MayBeRegistered) else None
        if model is not None:  # an alias may point to another version by now
            now[name] = hashes.of(model.folder)
        elif dataset is None:
            now[name] = hashes.of(path)
        else:
            now[name] = content_of(dataset, path, hashes)
    return now


def _missing_files(record: RunRecord, catalog: Any, project: Path) -> list[Difference]:  # noqa: ANN401 - Kedro's catalog
    """Files that raw inputs list, such as bands of scenes in a local archive, and that are gone."""
    found = []
    for name, state in record.raw_inputs().items():
        dataset = catalog.get(name)
        index = None if dataset is None else read_index(dataset, project / (state.path or ""))
        found += [] if index is None else [Difference(f"file of {name}", path, "gone") for path in index.missing]
    more = len(found) - _MOST_LISTED
    return found if more <= 0 else [*found[:_MOST_LISTED], Difference("other files", f"{more} more", "gone")]


def _metrics(run: TrackedFacts) -> dict[str, float]:
    """Metrics of a run without those of nodes that are not repeated."""
    return {name: value for name, value in run.metrics.items() if not name.startswith(_REGISTRY_METRICS)}


def _hook(kind: type[Hook]) -> Hook:
    return next(hook for hook in settings.HOOKS if isinstance(hook, kind))


@contextmanager
def _session(record: RunRecord, project: Path) -> Iterator[tuple[Any, KedroContext]]:
    bootstrap_project(project)
    with KedroSession.create(
        project, env=record.request.env, runtime_params=dict(record.request.runtime_params)
    ) as session:
        if not isinstance(session, KedroSession):
            raise TypeError(type(session))
        yield session, session.load_context()


@contextmanager
def _tracked_at(address: str) -> Iterator[None]:
    """Track runs at an address, wherever they run."""
    before = os.environ.get(_TRACKING_URI)
    os.environ[_TRACKING_URI] = address
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_TRACKING_URI, None)
        else:
            os.environ[_TRACKING_URI] = before
