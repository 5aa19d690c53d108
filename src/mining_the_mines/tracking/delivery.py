"""Hands a journal's entries to MLflow, in their order, and nothing twice.

Figures are told apart by name, step and time, so that MLflow keeps one that comes twice once; tags, parameters, files
and the end of a run may be told again. A child run carries its key as a tag, by which it is found if the answer got
lost.
"""

from collections.abc import Sequence
from typing import Final

import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from urllib3.exceptions import HTTPError

from mining_the_mines.core.redaction import redact
from mining_the_mines.tracking.entries import (
    ITSELF,
    MOST_METRICS,
    MOST_PARAMS,
    MOST_TAGS,
    Artifact,
    Ended,
    Entry,
    Metrics,
    Params,
    Started,
    Tags,
)
from mining_the_mines.tracking.errors import RefusedError, UnsentError
from mining_the_mines.tracking.journal import Journal, Pending

#: The tag by which a child run is known before it has an id.
KEY_TAG: Final = "journal_key"
#: Answers that asking again won't change (mlflow.protos.databricks_pb2). ``BAD_REQUEST`` is not one of them: MLflow
#: says so when its database breaks off.
_FINAL: Final = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_STATE")
#: And those of a store of artifacts: what is wrong, gone, or too large.
_FINAL_STATUS: Final = (400, 404, 413, 422)
_MOST_ENTRIES: Final = 500

_Figures = Tags | Params | Metrics


def deliver_next(journal: Journal, client: MlflowClient) -> bool:
    """Send what comes next in a journal, several entries at once where that can be.

    Args:
        journal: The entries.
        client: Knows the server.

    Returns:
        Whether there was anything left.

    Raises:
        UnsentError: The server does not answer, or can't take it now.
    """
    pending = journal.pending(_MOST_ENTRIES)
    if not pending:
        return False
    together = _those_that_go_together(pending)
    try:
        _deliver([each.entry for each in together], journal, client)
        journal.note_sent(together[-1].place)
    except RefusedError:
        for each in together:  # one of them spoils the rest
            _deliver_alone(each, journal, client)
    for each in together:
        if isinstance(each.entry, Artifact):
            journal.forget(each.entry.copy_at)
    return True


def _deliver_alone(pending: Pending, journal: Journal, client: MlflowClient) -> None:
    try:
        _deliver([pending.entry], journal, client)
    except RefusedError as refusal:
        journal.note_refused(pending.entry, str(refusal))
    journal.note_sent(pending.place)


def _those_that_go_together(pending: Sequence[Pending]) -> Sequence[Pending]:
    """The first, with those after it that fit into one request."""
    first = pending[0].entry
    if not isinstance(first, _Figures):
        return pending[:1]
    room = {"metrics": MOST_METRICS, "params": MOST_PARAMS, "tags": MOST_TAGS}
    for number, each in enumerate(pending):
        entry = each.entry
        if not isinstance(entry, _Figures) or entry.child != first.child:
            return pending[:number]
        room[entry.kind] -= len(entry.values)
        if room[entry.kind] < 0:
            return pending[:number]
    return pending


def _deliver(entries: Sequence[Entry], journal: Journal, client: MlflowClient) -> None:
    try:
        first = entries[0]
        if isinstance(first, Started):
            journal.note_child(first.child, _child_run(first, journal, client))
            return
        run_id = _run_id(first.child, journal)
        if isinstance(first, Artifact):
            client.log_artifact(run_id, str(journal.folder / first.copy_at), first.folder or None)
        elif isinstance(first, Ended):
            client.set_terminated(run_id, first.status, first.time)
        else:
            _log_batch(run_id, entries, client)
    except MlflowException as error:
        if error.error_code in _FINAL:
            raise RefusedError(_plainly(error)) from error
        raise UnsentError(_plainly(error)) from error
    except requests.HTTPError as error:
        if error.response is not None and error.response.status_code in _FINAL_STATUS:
            raise RefusedError(_plainly(error)) from error
        raise UnsentError(_plainly(error)) from error
    except FileNotFoundError as error:  # somebody removed a copy
        raise RefusedError(_plainly(error)) from error
    except (OSError, HTTPError) as error:  # a connection that broke, a disk that is full
        raise UnsentError(_plainly(error)) from error


def _run_id(child: str, journal: Journal) -> str:
    if child == ITSELF:
        return journal.destination.run_id
    if child not in journal.sent.children:
        raise RefusedError("The child run that it belongs to was refused.")
    return journal.sent.children[child]


def _child_run(started: Started, journal: Journal, client: MlflowClient) -> str:
    """The child's id: an earlier attempt may have made it, though its answer got lost."""
    destination = journal.destination
    known = client.search_runs([destination.experiment_id], f"tags.{KEY_TAG} = '{started.child}'", max_results=1)
    if known:
        return str(known[0].info.run_id)
    tags = {MLFLOW_PARENT_RUN_ID: destination.run_id, KEY_TAG: started.child}
    made = client.create_run(destination.experiment_id, started.time, tags, run_name=started.name)
    return str(made.info.run_id)


def _log_batch(run_id: str, entries: Sequence[Entry], client: MlflowClient) -> None:
    tags: dict[str, str] = {}
    params: dict[tuple[str, str], Param] = {}
    metrics: list[Metric] = []
    for entry in entries:
        if isinstance(entry, Tags):
            tags |= entry.values
        elif isinstance(entry, Params):
            params |= {(name, value): Param(name, value) for name, value in entry.values.items()}
        elif isinstance(entry, Metrics):
            metrics += [Metric(name, value, entry.time, entry.step) for name, value in entry.values.items()]
    client.log_batch(run_id, metrics, list(params.values()), [RunTag(name, value) for name, value in tags.items()])


def _plainly(error: Exception) -> str:
    return " ".join(redact(str(error)).split())[:500]
