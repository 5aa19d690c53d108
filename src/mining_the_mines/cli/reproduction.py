"""A tracked run, done again: is everything as it was, and does the same come out?"""

import os
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines, settings
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from pydantic import ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.core.redaction import redact_all
from mining_the_mines.datasets.scenes import SimulatedSeriesDataset, scene_files
from mining_the_mines.hooks.recording import RunRecording
from mining_the_mines.ledger.catalog_entries import catalog_differences
from mining_the_mines.ledger.code import CodeHashes, code_state
from mining_the_mines.ledger.comparison import (
    Compared,
    Difference,
    all_agree,
    code_differences,
    compare_metrics,
    compare_outputs,
    data_differences,
    environment_differences,
    file_differences,
    inexact_outputs,
    parameter_differences,
)
from mining_the_mines.ledger.environment import read_environment
from mining_the_mines.ledger.git import read_git_state
from mining_the_mines.ledger.parameter_files import named_files
from mining_the_mines.ledger.recorder import LEDGER
from mining_the_mines.ledger.records import RUN_RECORD, RunRecord
from mining_the_mines.ledger.scratch import make_scratch, remove_scratch
from mining_the_mines.ledger.states import MayBeRegistered, hash_at, shown_path
from mining_the_mines.ledger.store import Ledger
from mining_the_mines.tracking.runs import TrackedFacts, find_run
from mining_the_mines.tracking.store import RunStore

#: The pipeline that puts models into the registry.
_REGISTRATION: Final = "registration"
#: What the registry holds at the moment: who reads it weighs models against it, and is not done again.
_CHAMPION: Final = "champion"
#: Tag of a run that does another one again.
REPRODUCES: Final = "reproduces"
#: Where MLflow looks for the address of its store.
_ADDRESS: Final = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class Reproduction:
    """What came out when a run was done again.

    Attributes:
        run: As it is tracked now.
        project: Where its files lie.
        metrics: All figures of both.
        outputs: All that both have written.
        left_out: Nodes that were not done again, since they change the registry.
    """

    run: TrackedFacts
    project: Path
    metrics: list[Compared]
    outputs: list[Compared]
    left_out: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the second run gave what the first had."""
        return all_agree(self.metrics, self.outputs)


def find_differences(record: RunRecord, project: Path) -> list[Difference]:
    """Tell what a run was made of that is not so any more.

    Args:
        record: Of the run.
        project: Folder of the project.
    """
    found = [*code_differences(record.code, code_state(read_git_state(project), CodeHashes()))]
    found += environment_differences(record.environment, read_environment(project))
    with _session(record, project) as (_, context):
        found += parameter_differences(record.parameters, redact_all(result_parameters(context.params)))
        found += catalog_differences(record, context.config_loader["catalog"])
        found += data_differences(record, _inputs_now(record, context, project))
    hashes = ContentHashes()
    found += file_differences(record, {path: hashes.of(project / path) for path in record.named_files()})
    return found


def run_again(record: RunRecord, project: Path, store: RunStore, tolerance: float) -> Reproduction:
    """Do a run again beside the project's own data, and compare.

    Args:
        record: Of the run.
        project: Folder of the project.
        store: Where runs are tracked.
        tolerance: How far figures may be apart; with one, files that networks on an accelerator had a part in may hold
            other last digits.

    Returns:
        What came out.

    Raises:
        BadInputError: The run has done nothing but what is not done again.
    """
    left_out = _left_out(record)
    if len(left_out) == len(record.nodes):
        raise BadInputError(
            f"Nothing of run {record.run_id[:12]} can be done again ({', '.join(left_out) or 'it has no nodes'}): "
            "what changes the registry of models is done once, so name a run that trains or maps."
        )
    scratch = make_scratch(project, _files(record, project))
    try:
        _run(record, scratch, store, [node.node for node in record.nodes if node.node not in left_out])
    except BaseException:  # half a run proves nothing
        remove_scratch(scratch, project)
        raise
    again = find_run(_books().books.run_id, store)
    then, now = _without(record, left_out), read_record(again, scratch)
    return Reproduction(
        run=again,
        project=scratch,
        metrics=compare_metrics(_scores(find_run(record.run_id, store)), _scores(again), tolerance),
        outputs=compare_outputs(then, now, inexact_outputs(then, now) if tolerance else ()),
        left_out=left_out,
    )


def read_record(run: TrackedFacts, project: Path) -> RunRecord:
    """Read what a tracked run was made of: from where it is tracked, or else from the project's ledger.

    Args:
        run: As MLflow knows it.
        project: Folder of the project.

    Raises:
        BadInputError: There is no record of it, as of runs of older versions.
    """
    try:
        return RunRecord.model_validate_json(run.artifact(RUN_RECORD).read_bytes())
    except (BadInputError, ValidationError) as error:
        record = Ledger(project / "data" / LEDGER).run(run.id)
        if record is None:
            raise BadInputError(
                f"Nothing tells what run {run.short} ({run.name}) was made of, neither its files in MLflow nor the "
                f"ledger in {project / 'data' / LEDGER}: it was made by an older version, or its files are gone."
            ) from error
        return record


def _left_out(record: RunRecord) -> tuple[str, ...]:
    """Name the nodes that are not done again: they change the registry, or depend on what it holds at the moment."""
    registration = pipelines[_REGISTRATION]
    champions = [name for name in registration.inputs() if name.rpartition(".")[2] == _CHAMPION]
    once = {node.name for node in registration.from_inputs(*champions).nodes}
    return tuple(node.node for node in record.nodes if node.node in once)


def _run(record: RunRecord, scratch: Path, store: RunStore, names: list[str]) -> None:
    """Do nodes of a run again."""
    with _told(store.address), chdir(scratch), _session(record, scratch) as (session, _):
        keeping = _books()
        keeping.notes = {REPRODUCES: record.run_id}
        try:
            session.run(
                pipeline_names=list(record.request.pipeline_names) or None,
                node_names=names,  # never none, which would mean all
                load_versions=record.request.load_versions,
            )
        finally:
            keeping.notes = {}


def _files(record: RunRecord, project: Path) -> Iterator[Path]:
    """What a run reads and doesn't make: raw inputs, what they and parameters lead to."""
    for state in record.raw_inputs().values():
        if state.path is not None and state.registered is None:  # which is fetched again, with all that belongs to it
            yield project / state.path
            yield from scene_files(project / state.path)
    yield from (path for path in named_files(record.parameters, project) if not record.makes(shown_path(path, project)))


def _books() -> RunRecording:
    return next(hook for hook in settings.HOOKS if isinstance(hook, RunRecording))


def _scores(run: TrackedFacts) -> dict[str, float]:
    """The figures of a run but those of nodes that are not done again."""
    return {name: value for name, value in run.metrics.items() if not name.startswith(f"{_REGISTRATION}/")}


def _without(record: RunRecord, left_out: tuple[str, ...]) -> RunRecord:
    return record.model_copy(update={"nodes": tuple(node for node in record.nodes if node.node not in left_out)})


def _inputs_now(record: RunRecord, context: KedroContext, project: Path) -> dict[str, str]:
    hashes = ContentHashes()
    catalog: Any = context.catalog
    now = {}
    for name, state in record.raw_inputs().items():
        dataset, path = catalog.get(name), project / (state.path or "")
        model = dataset.find_registered() if isinstance(dataset, MayBeRegistered) else None
        if model is not None:  # an alias may have another version by now
            now[name] = hashes.of(model.folder)
        elif not isinstance(dataset, SimulatedSeriesDataset):
            now[name] = hash_at(dataset, path, hashes)
        else:  # one that is not there simulates itself, beside the project's data, and is compared then
            now[name] = dataset.hash_there(path, hashes) if path.exists() else state.content_hash
    return now


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
def _told(address: str) -> Iterator[None]:
    """Have the run tracked where the first one is, wherever it is done."""
    before: Mapping[str, str | None] = {_ADDRESS: os.environ.get(_ADDRESS)}
    os.environ[_ADDRESS] = address
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
