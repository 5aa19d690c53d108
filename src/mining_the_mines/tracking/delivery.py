"""Entries of a run's record, and their delivery to MLflow.

Delivery is idempotent: MLflow tells metrics apart by name, step and time; tags, parameters, files and the end of a run
may be written again; a run is found by the key in its tags before it is created.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.redaction import redact_all
from mining_the_mines.tracking.store import RunStore, short_reason

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Tag with the key of a run, which is known before MLflow gives it an id.
RUN_KEY: Final = "run_key"
PARENT: Final = "mlflow.parentRunId"
#: Error codes that a second attempt won't change (mlflow.protos.databricks_pb2). ``BAD_REQUEST`` is not one of them:
#: MLflow answers so when its database breaks off.
_FINAL: Final = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_STATE")
#: The same of a store of artifacts: the request is wrong, the place is gone, the file is too large.
_FINAL_STATUS: Final = (400, 404, 413, 422)
_DENIED_CODES: Final = ("UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED")
#: MLflow's words for a proxy that refuses access.
_DENIED: Final = re.compile(r"error code 40[13]\b")


class UnansweredError(Exception):
    """MLflow does not answer, or can't take something now."""


class DeniedError(UnansweredError):
    """The server wants a user and password, or another name."""


class RefusedError(Exception):
    """MLflow will never take something."""


class Entry(BaseModel):
    """One line of a run's record."""

    # A loss may be NaN or infinite, for which JSON has no word.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    run: str = Field(description="Key of the run or child run.")
    time: int = Field(description="Milliseconds since 1970.")
    name: str | None = Field(None, description="Name of a run that begins.")
    parent: str | None = Field(None, description="Key of the run that a beginning child run belongs to.")
    tags: dict[str, str] = Field(default_factory=dict, description="Tags by name.")
    params: dict[str, str] = Field(default_factory=dict, description="Parameters by name.")
    metrics: dict[str, float] = Field(default_factory=dict, description="Metrics by name.")
    step: int = Field(0, description="Step of the metrics, such as the number of the epoch.")
    file: str | None = Field(None, description="A file or folder to log; relative paths begin at the record's folder.")
    folder: str = Field("", description="Folder of that file among the run's artifacts.")
    texts: dict[str, str] = Field(default_factory=dict, description="Artifacts of text by path.")
    status: str | None = Field(None, description="MLflow's status of a run that ends.")


@dataclass
class Delivery:
    """Writes entries to a store.

    Attributes:
        store: The MLflow store.
        ids: MLflow's ids of runs by their keys, as far as known.
    """

    store: RunStore
    ids: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _client(self) -> "MlflowClient":
        return self.store.client()

    @cached_property
    def _experiment(self) -> str:
        return self.store.experiment_id(self._client)

    def write(self, entry: Entry) -> None:
        """Write one entry.

        Raises:
            UnansweredError: MLflow does not answer, or can't take it now.
            RefusedError: MLflow will never take it.
        """
        from mlflow.entities import Metric, Param, RunTag

        with _errors_in_two_kinds():
            if entry.name is not None:
                self._begin(entry)
            run_id = self._id(entry.run)
            self._client.log_batch(
                run_id,
                [Metric(name, value, entry.time, entry.step) for name, value in entry.metrics.items()],
                [Param(name, value) for name, value in entry.params.items()],
                [RunTag(name, value) for name, value in entry.tags.items()],
            )
            if entry.file is not None:
                self._client.log_artifact(run_id, entry.file, entry.folder or None)
            for path, text in entry.texts.items():
                self._client.log_text(run_id, text, path)
            if entry.status is not None:
                self._client.set_terminated(run_id, entry.status, entry.time)

    def end_killed(self, key: str, time: int) -> None:
        """Give a run whose process is gone, and its children, the status ``KILLED`` unless they have ended.

        Raises:
            UnansweredError: MLflow does not answer.
            RefusedError: MLflow does not know the run.
        """
        with _errors_in_two_kinds():
            run_id = self._id(key)
            children = self._client.search_runs([self._experiment], f"tags.`{PARENT}` = '{run_id}'")
            for run in [*children, self._client.get_run(run_id)]:
                if run.info.status == "RUNNING":
                    self._client.set_terminated(run.info.run_id, "KILLED", time)

    def _begin(self, entry: Entry) -> None:
        if self._find(entry.run) is not None:  # an earlier attempt created it, though its answer was lost
            return
        from mlflow.tracking.context.registry import resolve_tags

        parent = {} if entry.parent is None else {PARENT: self._id(entry.parent)}
        tags = {**redact_all(resolve_tags()), **parent, RUN_KEY: entry.run}
        made = self._client.create_run(self._experiment, entry.time, tags, run_name=entry.name)
        self.ids[entry.run] = str(made.info.run_id)

    def _id(self, key: str) -> str:
        found = self.ids.get(key) or self._find(key)
        if found is None:
            raise RefusedError("MLflow does not know the run.")
        return found

    def _find(self, key: str) -> str | None:
        found = self._client.search_runs([self._experiment], f"tags.{RUN_KEY} = '{key}'", max_results=1)
        if found:
            self.ids[key] = str(found[0].info.run_id)
        return self.ids.get(key)


@contextmanager
def _errors_in_two_kinds() -> Iterator[None]:
    """Turn errors of MLflow and of the network into "not now" and "never"."""
    import requests
    from mlflow.exceptions import MlflowException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except MlflowException as error:
        if error.error_code in _DENIED_CODES or _DENIED.search(str(error)):
            raise DeniedError(short_reason(error)) from error
        raise _kind(final=error.error_code in _FINAL)(short_reason(error)) from error
    except requests.HTTPError as error:
        status = None if error.response is None else error.response.status_code
        raise _kind(final=status in _FINAL_STATUS)(short_reason(error)) from error
    except FileNotFoundError as error:
        raise RefusedError(short_reason(error)) from error
    except (OSError, HTTPError) as error:  # a broken connection, a full disk
        raise UnansweredError(short_reason(error)) from error


def _kind(*, final: bool) -> type[RefusedError | UnansweredError]:
    return RefusedError if final else UnansweredError
