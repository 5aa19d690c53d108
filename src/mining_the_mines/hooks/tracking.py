"""What a run was made of and what came out, in MLflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro_mlflow.framework.hooks import MlflowHook
from pydantic import BaseModel

from mining_the_mines.datasets.run_facts import git_state
from mining_the_mines.scenes.discretion import conceal, conceal_all

#: Datasets whose files are logged as artifacts when they have been saved.
ARTIFACTS = (
    "chosen_scenes", "scenes", "scene_table", "left_out_scenes",
    "manifest", "rejected_chips", "folds", "outline_inventory", "mask_table",
    "scores", "category_scores", "chip_scores", "detection_scores", "threshold_curve", "decision", "importances",
    "map_list", "areas_by_unit", "map_score_table", "map_page", "report",
)  # fmt: skip


class ParameterTracking(MlflowHook):  # type: ignore[misc] # kedro-mlflow is untyped
    """kedro-mlflow's hook, taught to flatten typed parameters instead of logging each as one long text.

    What it logs holds no password or signature.
    """

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Start the run; parameters of the command line become a tag, without passwords."""
        super().before_pipeline_run(conceal_all(run_params), pipeline, catalog)

    @hook_impl
    def before_node_run(self, node: Node, catalog: DataCatalog, inputs: dict[str, Any], is_async: bool) -> None:
        """Log the parameters that a node takes."""
        plain = {
            name: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
            for name, value in inputs.items()
            if name != "parameters"  # the report's copy of all of them
        }
        super().before_node_run(node, catalog, conceal_parameters(plain), is_async)

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Close the run as often as kedro-mlflow has opened it: once at the start and, with MLflow 3, at every node."""
        import mlflow

        super().after_pipeline_run(run_params, pipeline, catalog)
        while not self._already_active_mlflow and mlflow.active_run() is not None:
            mlflow.end_run()


def conceal_parameters(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Take passwords and signatures out of a node's parameters.

    Args:
        inputs: All that a node takes, by name; data stay as they are.

    Returns:
        The same, with parameters as they may be written down.
    """
    return {
        name: conceal_all(value) if name.startswith(("params:", "parameters")) else value
        for name, value in inputs.items()
    }


class RunTracking:
    """Notes the code's state, the data's hash, scores and files on the active run."""

    @hook_impl
    def before_pipeline_run(
        self,
        run_params: dict[str, Any],
        pipeline: Pipeline,  # noqa: ARG002 - Kedro's signature
        catalog: DataCatalog,
    ) -> None:
        """Note the git commit and whether the working tree differs from it."""
        import mlflow

        self._catalog = catalog
        if mlflow.active_run() is not None:
            mlflow.set_tags(git_state(Path(run_params["project_path"])))

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401
        """Note the content hash of the chips that a run worked on."""
        import mlflow

        if dataset_name == "packed_chips" and mlflow.active_run() is not None:
            mlflow.set_tag("data_hash", data.content_hash)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401
        """Log scores as metrics, and what people want to read as artifacts."""
        import mlflow

        if mlflow.active_run() is None:
            return
        name = dataset_name.rsplit(".", 1)[-1]
        if name == "scores":
            mlflow.log_metrics(score_metrics(data))
        if name == "map_score_table":
            mlflow.log_metrics(map_metrics(data))
        if name in ARTIFACTS:
            _log_file(self._catalog, dataset_name)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Say on the run why it failed."""
        import mlflow

        if mlflow.active_run() is not None:
            mlflow.set_tag("error", conceal(str(error))[:5000])


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


def _log_file(catalog: DataCatalog, name: str) -> None:
    import mlflow

    dataset = catalog.get(name)
    filepath = getattr(dataset, "_get_load_path", None)
    if filepath is not None:
        mlflow.log_artifact(str(filepath()))
