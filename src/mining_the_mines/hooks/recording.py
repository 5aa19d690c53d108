"""Keeps books of every run, on disk and in MLflow."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.core.hashing import hash_values
from mining_the_mines.core.redaction import redact, redact_all
from mining_the_mines.ledger.catalog_entries import hash_entries
from mining_the_mines.ledger.recorder import RunRecorder
from mining_the_mines.ledger.records import RUN_RECORD, WORKING_TREE, NodeRecord, RunRecord, RunRequest
from mining_the_mines.tracking.run import active_run


class RunRecording:
    """Writes down what each node read and wrote when it is done, and what the run was made of when that ends."""

    books: RunRecorder
    #: Tags that the next run gets, too.
    notes: Mapping[str, str] = MappingProxyType({})

    @hook_impl(trylast=True)  # parameters are checked against the pipelines that an environment has
    def after_context_created(self, context: KedroContext) -> None:
        """Note all parameters and the catalog's configuration."""
        self._parameters = context.params
        self._catalog = context.config_loader["catalog"]

    @hook_impl
    def before_pipeline_run(
        self,
        run_params: dict[str, Any],
        pipeline: Pipeline,  # noqa: ARG002 - Kedro's signature
        catalog: DataCatalog,
    ) -> None:
        """Open the books."""
        run = active_run()
        project = Path(run_params["project_path"])
        self._request = _request(run_params)
        self._made: list[str] = []
        self.books = RunRecorder(
            project, project / "data", catalog, run.run_id if run is not None else run_params["run_id"]
        )
        if run is not None:
            run.set_tags({**_tags(self.books), **self.notes})

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str, node: Node) -> None:  # noqa: ARG002 - Kedro's signature
        """Tell a folder of checkpoints whose they are, before it is opened."""
        self.books.name_training(node)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Note what a node reads."""
        self._made.append(node.name)
        self.books.begin(node)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Write down a node that leaves nothing."""
        if not node.outputs:
            self.books.done(node)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Write down a node when it has saved all that it leaves."""
        self.books.saved(node, dataset_name)

    @hook_impl(tryfirst=True)  # before the tracked run is closed
    def after_pipeline_run(self) -> None:
        """Write down what the run was made of, and what came out."""
        self._close()

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self) -> None:
        """Write down how far the run came."""
        self._close()

    @property
    def made(self) -> tuple[str, ...]:
        """Names of the nodes that ran."""
        return tuple(self._made)

    def take_over(self, node: Node, record: NodeRecord, catalog: DataCatalog) -> None:  # noqa: ARG002 - one protocol
        """Have what a node once made read in this run."""
        self.books.reuse(record)

    def _close(self) -> None:
        books = self.books
        record = RunRecord(
            run_id=books.run_id,
            request=self._request,
            parameters=redact_all(result_parameters(self._parameters)),
            catalog_hash=hash_values(self._catalog),
            catalog_entries=hash_entries(self._catalog),
            code=books.code,
            environment=books.environment,
            nodes=books.records,
        )
        books.ledger.add_run(record)
        books.close()
        run = active_run()
        if run is not None:
            run.log_text(record.model_dump_json(indent=1), RUN_RECORD)
            if books.git.diff:
                run.log_text(redact(books.git.diff), WORKING_TREE)


def _tags(books: RunRecorder) -> dict[str, str]:
    return {
        **books.git.tags,
        "lock_hash": books.environment.lock_hash or "unknown",
        "device": books.environment.device,
    }


def _request(run_params: dict[str, Any]) -> RunRequest:
    names = run_params.get("pipeline_names") or [run_params.get("pipeline_name")]
    listed = {
        field: tuple(run_params.get(field) or ())
        for field in ("tags", "node_names", "from_nodes", "to_nodes", "from_inputs", "to_outputs", "namespaces")
    }
    return RunRequest(
        pipeline_names=tuple(name for name in names if name),
        env=run_params.get("env"),
        runtime_params=redact_all(run_params.get("runtime_params") or {}),
        load_versions=_versions(run_params.get("load_versions")),
        **listed,
    )


def _versions(given: Any) -> dict[str, str]:  # noqa: ANN401 - Kedro hands on a mapping, or a list of NAME:VERSION
    if isinstance(given, dict):
        return dict(given)
    return dict(text.split(":", 1) for text in given or ())
