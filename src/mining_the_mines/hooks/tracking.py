"""What a run was made of and what came out, in MLflow."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from mining_the_mines.core.parameter_errors import describe_settings_errors
from mining_the_mines.core.redaction import Discretion, redact, redact_all
from mining_the_mines.ledger.records import NodeRecord
from mining_the_mines.registry.data_hash import hash_data, hash_folds
from mining_the_mines.tracking.active import FAILED, FINISHED, KILLED, active_run, set_active_run
from mining_the_mines.tracking.addresses import EMBEDDED, UNSENT, anchor, artifact_location
from mining_the_mines.tracking.errors import TrackingError
from mining_the_mines.tracking.moved import follow_project
from mining_the_mines.tracking.settings import TrackingSettings, set_time_limits
from mining_the_mines.tracking.starting import Tracker, unreachable

# kedro-mlflow brings a model class along, which is not used here and of which MLflow complains, past all filters.
with warnings.catch_warnings(record=True):
    from kedro_mlflow.framework.hooks import MlflowHook
    from kedro_mlflow.framework.hooks.utils import _assert_mlflow_enabled, _generate_kedro_command

#: Datasets whose files are logged as artifacts when they have been saved.
ARTIFACTS = (
    "chosen_scenes", "scenes", "scene_table", "left_out_scenes",
    "manifest", "rejected_chips", "folds", "polygon_inventory", "mask_table",
    "predictions",
    "scores", "category_scores", "chip_scores", "chip_classification_scores", "threshold_curve", "decision",
    "promotion", "importances",
    "map_list", "areas_by_unit", "map_score_table", "map_page", "report",
)  # fmt: skip


# They say which address they have trouble with.
for _name in ("kedro_mlflow.framework.hooks.mlflow_hook", "mlflow.store.db.utils", "mining_the_mines.tracking"):
    logging.getLogger(_name).addFilter(Discretion())


class ParameterTracking(MlflowHook):  # type: ignore[misc] # kedro-mlflow is untyped
    """kedro-mlflow's hook: it reads ``mlflow.yml`` and finds the experiment; what it logs goes through a journal.

    Typed parameters are flattened instead of logged each as one long text. What is logged holds no password or
    signature.
    """

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Find the server and its experiment.

        One that does not answer stops no command but ``kedro run``.

        Raises:
            TrackingError: ``mlflow.yml`` or the parameter ``tracking`` can't be used.
        """
        loader, project = context.config_loader, Path(context.project_path)
        loader["mlflow"] = located(loader["mlflow"], project)
        try:
            self._settings = TrackingSettings.model_validate(loader["parameters"].get("tracking", {}))
        except ValidationError as error:
            raise TrackingError(describe_settings_errors(error, "The parameter tracking")) from None
        self._unsent = project / UNSENT
        self._fault: TrackingError | None = None
        set_time_limits(self._settings)
        try:
            self._find_experiment(context)
        except (MlflowException, OSError) as error:
            self._fault = unreachable(loader["mlflow"]["server"]["mlflow_tracking_uri"], error)
        except ValidationError as error:
            raise TrackingError(describe_settings_errors(error, "mlflow.yml")) from None

    def _find_experiment(self, context: KedroContext) -> None:
        try:
            super().after_context_created(context)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            super().after_context_created(context)  # the first run of somebody else made it at the same moment

    def _experiment_id(self) -> str:
        """The experiment, whose files lie in this project even if it was moved here with its embedded store."""
        options = self.mlflow_config.tracking.experiment
        known, place = options._experiment, options.create_experiment_kwargs.artifact_location  # noqa: SLF001 - kedro-mlflow offers no other way
        if place is not None and known.artifact_location != place:
            follow_project(self.mlflow_config.server.mlflow_tracking_uri, known.experiment_id, place)
        return str(known.experiment_id)

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:  # noqa: ARG002 - Kedro's signature
        """Start the run, or say that it can't be tracked.

        Raises:
            TrackingError: The server does not answer.
        """
        if self._fault is not None:
            raise self._fault
        self._end(KILLED)  # one that was interrupted in this process, as a notebook's may be
        names = list(run_params.get("pipeline_names") or ["__default__"])
        tracking = self.mlflow_config.tracking
        self._is_mlflow_enabled = _assert_mlflow_enabled(names, self.mlflow_config)
        self.flatten = tracking.params.dict_params.flatten
        self.recursive = tracking.params.dict_params.recursive
        self.sep = tracking.params.dict_params.sep
        if not self._is_mlflow_enabled:
            return
        tracker = Tracker(
            self.mlflow_config.server.mlflow_tracking_uri,
            self._experiment_id(),
            self._unsent,
            self._settings,
        )
        name = tracking.run.name or "+".join(names)
        run = tracker.go_on(tracking.run.id, name) if tracking.run.id else tracker.start(name)
        run.set_tags({key: value for key, value in redact_all(run_params).items() if value})
        run.set_tags({"kedro_command": redact(_command(run_params, names))})
        set_active_run(run)

    @hook_impl
    def before_node_run(self, node: Node, catalog: DataCatalog, inputs: dict[str, Any], is_async: bool) -> None:
        """Tell the parameters that a node takes."""
        plain = {
            name: to_jsonable_python(value) if name.startswith("params:") else value
            for name, value in inputs.items()
            if name != "parameters"  # the report's copy of all of them
        }
        super().before_node_run(node, catalog, redact_parameters(plain), is_async)

    def take_over(self, node: Node, record: NodeRecord, catalog: DataCatalog) -> None:  # noqa: ARG002 - one protocol
        """Tell the parameters of a node that was not needed again."""
        parameters = {name: catalog.load(name) for name in node.inputs if name.startswith("params:")}
        self.before_node_run(node, catalog, parameters, is_async=False)

    def _log_param(self, name: str, value: object) -> None:
        """Called by kedro-mlflow for each parameter, flat by now: what is too long for one becomes a tag."""
        run = active_run()
        if run is None:
            return
        if len(str(value)) > MAX_PARAM_VAL_LENGTH:
            run.set_tags({name: value})
        else:
            run.log_params({name: value})

    @hook_impl(trylast=True)
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:  # noqa: ARG002 - Kedro's signature
        """End the run after all others have told what they have to tell, and see to it that it is sent."""
        self._end(FINISHED)

    @hook_impl(trylast=True)
    def on_pipeline_error(
        self,
        error: Exception,  # noqa: ARG002 - Kedro's signature
        run_params: dict[str, Any],  # noqa: ARG002
        pipeline: Pipeline,  # noqa: ARG002
        catalog: DataCatalog,  # noqa: ARG002
    ) -> None:
        """End the run as one that failed."""
        self._end(FAILED)

    def _end(self, status: str) -> None:
        run = active_run()
        if run is None:
            return
        set_active_run(None)
        if not self._already_active_mlflow:  # whoever started it ends it
            run.end(status)
        run.close()


def located(config: Mapping[str, Any], project: Path) -> dict[str, Any]:
    """Say where runs and their artifacts are, from whichever folder a command is typed.

    Args:
        config: What ``mlflow.yml`` says.
        project: Folder of the project.

    Returns:
        The same, with the whole path of an embedded store, and a place for artifacts unless it names one.
    """
    server, tracking = dict(config.get("server", {})), dict(config.get("tracking", {}))
    experiment = dict(tracking.get("experiment", {}))
    address = anchor(server.get("mlflow_tracking_uri") or EMBEDDED, project)
    place = {"artifact_location": artifact_location(address, project)}
    experiment["create_experiment_kwargs"] = place | dict(experiment.get("create_experiment_kwargs", {}))
    server["mlflow_tracking_uri"] = address
    tracking["experiment"] = experiment
    return {**config, "server": server, "tracking": tracking}


def _command(run_params: Mapping[str, Any], pipelines: list[str]) -> str:
    """The command as kedro-mlflow writes it down."""
    named = ("tags", "node_names", "from_nodes", "to_nodes", "from_inputs", "load_versions")
    command: str = _generate_kedro_command(**{name: run_params[name] for name in named}, pipeline_names=pipelines)
    return command


def redact_parameters(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Take passwords and signatures out of a node's parameters.

    Args:
        inputs: All that a node takes, by name; data stay as they are.

    Returns:
        The same, with parameters as they may be written down.
    """
    parameters = {name: value for name, value in inputs.items() if name.startswith(("params:", "parameters"))}
    return {**inputs, **redact_all(parameters)}


class RunTracking:
    """Notes the data's hash, scores and files on the active run."""

    @hook_impl
    def before_pipeline_run(self, catalog: DataCatalog) -> None:
        """Note where files lie."""
        self._catalog = catalog
        self._hashes: dict[str, str] = {}

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 - whatever a dataset holds
        """Note the content hash of the data that a run worked on, as the models that it registers have it."""
        run = active_run()
        if run is None or dataset_name not in _DATA or dataset_name in self._hashes:
            return
        self._hashes[dataset_name] = hash_folds(data) if dataset_name == _FOLDS else data.content_hash
        if {_CHIPS, _FOLDS} <= set(self._hashes):
            chips, folds, masks = (self._hashes.get(name, "") for name in _DATA)
            run.set_tags({"data_hash": hash_data(chips, folds)})
            if masks:
                run.set_tags({"segmentation.data_hash": hash_data(chips, folds, masks)})

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 - whatever a dataset holds
        """Log scores as metrics, and what people want to read as artifacts."""
        run = active_run()
        if run is None:
            return
        name = dataset_name.rsplit(".", 1)[-1]
        if name in _TABLES:
            run.log_metrics(_TABLES[name](data))
        if name in ARTIFACTS and (path := _path_of(self._catalog, dataset_name)) is not None:
            run.log_artifact(path, folder=dataset_name.rpartition(".")[0])  # each task's in one of its own

    def take_over(self, node: Node, record: NodeRecord, catalog: DataCatalog) -> None:  # noqa: ARG002 - one protocol
        """Tell what a node once left that was not needed again."""
        for state in record.outputs:
            name = state.dataset.rsplit(".", 1)[-1]
            if state.path is not None and (name in {*ARTIFACTS, *_TABLES} or state.dataset in _DATA):
                data = catalog.load(state.dataset)
                self.after_dataset_loaded(state.dataset, data)
                self.after_dataset_saved(state.dataset, data)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Say on the run why it failed."""
        if (run := active_run()) is not None:
            run.set_tags({"error": redact(str(error))[:5000]})


def score_metrics(scores: pd.DataFrame) -> dict[str, float]:
    """Scores as MLflow metrics.

    Args:
        scores: As :func:`mining_the_mines.scoring.tables.score_table` gives it.

    Returns:
        Figures named ``split/model/metric``, with ``/low`` and ``/high`` for the interval, and ``/without_CATEGORY``
        where one is left out.
    """
    metrics: dict[str, float] = {}
    for row in scores.to_dict("records"):
        name = f"{row['split']}/{row['model']}/{row['metric']}"
        if not pd.isna(row["category_excluded"]):
            name += f"/without_{row['category_excluded']}"
        figures = {"": row["value"], "/low": row["low"], "/high": row["high"]}
        metrics |= {f"{name}{part}": float(value) for part, value in figures.items() if not pd.isna(value)}
    return metrics


def map_metrics(scores: pd.DataFrame) -> dict[str, float]:
    """Scores of maps as MLflow metrics.

    Args:
        scores: As :class:`mining_the_mines.scoring.map_scores.MapScores` holds them; without rows where nothing was
            scored.

    Returns:
        Figures of all scenes and sizes together, named ``map/metric``, with ``/low`` and ``/high`` for the interval.
    """
    if scores.empty:
        return {}
    pooled = scores[scores["scene"].isna() & scores["size_class"].isna()]
    return {
        f"map/{row['metric']}{part}": float(row[column])
        for row in pooled.to_dict("records")
        for part, column in (("", "value"), ("/low", "low"), ("/high", "high"))
        if not pd.isna(row[column])
    }


#: Tables whose figures are metrics.
_TABLES: Final = {"scores": score_metrics, "map_score_table": map_metrics}
#: The data that a run works on.
_CHIPS: Final = "packed_chips"
_FOLDS: Final = "folds"
_DATA: Final = (_CHIPS, _FOLDS, "segmentation.masks")


def _path_of(catalog: DataCatalog, name: str) -> Path | None:
    """Where a dataset's file lies, if it has one."""
    filepath = getattr(catalog.get(name), "_get_load_path", None)
    return None if filepath is None else Path(str(filepath()))
