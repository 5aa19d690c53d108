"""Tracks a run in MLflow: its parameters, data, scores and files.

kedro-mlflow's hook is not used: it reopens the run at every node with MLflow 3, ends a run whose server does not
answer, instantiates every catalog entry at start, and logs a typed parameter as one string.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pandas as pd
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.core.epoch_events import EpochEvent, epoch_listener
from mining_the_mines.core.redaction import RedactingFilter, redact
from mining_the_mines.ledger.catalog_facts import DatasetFacts, facts_of
from mining_the_mines.ledger.project_catalog import data_folder
from mining_the_mines.ledger.records import NodeRecord
from mining_the_mines.ledger.states import place_of
from mining_the_mines.registry.training_data import hash_data, hash_folds
from mining_the_mines.tracking.run import (
    FAILED,
    FINISHED,
    KILLED,
    ChildRun,
    active_run,
    set_active_run,
    start_run,
)
from mining_the_mines.tracking.store import UNSENT, read_store

_PARAMETER: Final = "params:"
#: Characters of an error that a tag holds.
_LONGEST_ERROR: Final = 5000

# They name the address that they have trouble with.
for _name in ("mlflow.store.db.utils", "mining_the_mines.tracking"):
    logging.getLogger(_name).addFilter(RedactingFilter())


class RunTracking:
    """Writes each run to MLflow; the catalog's metadata name artifacts, metrics and training data."""

    def __init__(self) -> None:
        self._during_run = ExitStack()
        self._children: dict[str, ChildRun] = {}

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Read where runs are tracked.

        Raises:
            TrackingError: ``mlflow.yml`` can't be used.
        """
        project = Path(context.project_path)
        self._store = read_store(context.config_loader, project)
        self._unsent = data_folder(context.config_loader, project) / UNSENT

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Start the run and log its parameters.

        Raises:
            TrackingError: The server wants a user and password.
        """
        self._end(KILLED)  # one that was interrupted in this process, as a notebook's may be
        self._catalog = catalog
        self._trained_on: dict[str, str] = {}
        names = list(run_params.get("pipeline_names") or ["__default__"])
        run = start_run(self._store, self._unsent, "+".join(names))
        set_active_run(run)
        run.set_tags({name: value for name, value in run_params.items() if value})
        parameters = sorted(name for name in pipeline.inputs() if name.startswith(_PARAMETER))
        run.log_params(flatten({name.removeprefix(_PARAMETER): catalog.load(name) for name in parameters}))
        self._children = {}
        self._during_run.enter_context(default_store(self._store.address))
        self._during_run.enter_context(epoch_listener(self._log_epoch))

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 - whatever a dataset holds
        """Tag the run with the hash of its training data, as the models that it registers have it."""
        run, part = active_run(), self._facts(dataset_name).training_data
        if run is None or part is None or part in self._trained_on:
            return
        self._trained_on[part] = hash_folds(data) if part == "folds" else data.content_hash
        known = self._trained_on
        if {"chips", "folds"} <= set(known):
            run.set_tags({"data_hash": hash_data(known["chips"], known["folds"])})
            if "masks" in known:
                masked = hash_data(known["chips"], known["folds"], known["masks"])
                run.set_tags({"segmentation.data_hash": masked})

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 - whatever a dataset holds
        """Log metrics and artifacts."""
        run, facts = active_run(), self._facts(dataset_name)
        if run is None:
            return
        if facts.metrics:
            run.log_metrics(table_metrics(data))
        dataset = self._catalog.get(dataset_name)
        path = place_of(dataset) if facts.artifact and dataset is not None else None
        if path is not None and path.exists():  # a table of nothing may leave no file
            run.log_artifact(path, folder=dataset_name.rpartition(".")[0])  # a folder for each task

    def take_over(self, node: Node, record: NodeRecord, catalog: DataCatalog) -> None:  # noqa: ARG002 - one protocol
        """Log the results of a node that was up to date."""
        for state in record.outputs:
            facts = self._facts(state.dataset)
            if state.path is not None and (facts.artifact or facts.metrics or facts.training_data):
                data = catalog.load(state.dataset)
                self.after_dataset_loaded(state.dataset, data)
                self.after_dataset_saved(state.dataset, data)

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """End the run after all other hooks have logged what they have."""
        self._end(FINISHED)

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: Exception) -> None:
        """End the run as failed, with the error."""
        if (run := active_run()) is not None:
            run.set_tags({"error": redact(str(error))[:_LONGEST_ERROR]})
        self._end(FAILED)

    def _log_epoch(self, event: EpochEvent) -> None:
        """Log an epoch of a training to its own child run."""
        run = active_run()
        if run is None:
            return
        child = self._children.get(event.training)
        if child is None:
            child = self._children[event.training] = run.start_child(event.training)
        if event.figures:
            child.log_metrics(event.figures, event.epoch)
        if event.finished:
            self._children.pop(event.training).end()

    def _end(self, status: str) -> None:
        self._during_run.close()
        run = active_run()
        if run is not None:
            for child in self._children.values():
                child.end(status)
            set_active_run(None)
            run.end(status)

    def _facts(self, name: str) -> DatasetFacts:
        return facts_of(name, self._catalog.get(name, fallback_to_runtime_pattern=True))


@contextmanager
def default_store(address: str) -> Iterator[None]:
    """Make a store MLflow's default, for the model registry and for nodes that use MLflow.

    MLflow writes it to the environment as well, where the next project of this process would read it as its own.
    """
    import mlflow
    from mlflow.environment_variables import MLFLOW_TRACKING_URI

    given = os.environ.get(MLFLOW_TRACKING_URI.name)
    mlflow.set_tracking_uri(address)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type] # which unsets it
        if given is not None:
            os.environ[MLFLOW_TRACKING_URI.name] = given


def table_metrics(scores: pd.DataFrame) -> dict[str, float]:
    """Return a table of scores as MLflow metrics.

    Args:
        scores: ``metric``, ``value``, ``low`` and ``high``, and for classifiers and segmenters ``split``, ``model`` and
            ``category_excluded``; or for maps ``scene`` and ``size_class``, of which the rows without either count; or
            for sites ``method``, ``rival``, ``region`` and ``period``, of which the rows without the last three count.

    Returns:
        Figures named ``split/model/metric``, ``map/metric`` or ``sites/method/metric``, with ``/low`` and ``/high`` for
        the interval, and ``/without_CATEGORY`` where a category is left out. Undefined figures are left out.
    """
    metrics: dict[str, float] = {}
    if "scene" in scores.columns:
        scores = scores[scores["scene"].isna() & scores["size_class"].isna()]
    if "rival" in scores.columns:
        everything = (scores[["rival", "region", "period"]] == "").all(axis=1)
        scores = scores[everything].assign(split="sites", model=scores["method"])
    for row in scores.to_dict("records"):
        place = [row["split"], row["model"]] if "split" in row else ["map"]
        excluded = row.get("category_excluded")
        parts = [*place, row["metric"], *([] if pd.isna(excluded) else [f"without_{excluded}"])]
        for end, column in (([], "value"), (["low"], "low"), (["high"], "high")):
            if not pd.isna(row[column]):
                metrics["/".join([*parts, *end])] = float(row[column])
    return metrics
