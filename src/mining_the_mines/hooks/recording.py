"""Records every run, on disk and on the tracked run."""

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
from mining_the_mines.ledger.catalog_facts import read_facts
from mining_the_mines.ledger.comparison import hash_entries
from mining_the_mines.ledger.project_catalog import data_folder
from mining_the_mines.ledger.recorder import RunRecorder
from mining_the_mines.ledger.records import RUN_RECORD, WORKING_TREE, NodeRecord, RunRecord, RunRequest
from mining_the_mines.tracking.run import active_run


class RunRecording:
    """Writes a record for each node when it finishes, and one for the run when it ends."""

    recorder: RunRecorder
    #: Tags for the next run.
    notes: Mapping[str, str] = MappingProxyType({})

    @hook_impl(trylast=True)  # parameters are validated against the pipelines before
    def after_context_created(self, context: KedroContext) -> None:
        """Keep parameters and configuration.

        Raises:
            BadInputError: The metadata of a catalog entry has an unknown key.
        """
        self._parameters = context.params
        self._catalog = context.config_loader["catalog"]
        self._data = data_folder(context.config_loader, Path(context.project_path))
        for name, entry in self._catalog.items():
            read_facts(name, entry.get("metadata") if isinstance(entry, Mapping) else None)

    @hook_impl
    def before_pipeline_run(
        self,
        run_params: dict[str, Any],
        pipeline: Pipeline,  # noqa: ARG002 - Kedro's signature
        catalog: DataCatalog,
    ) -> None:
        """Start the record."""
        run = active_run()
        project = Path(run_params["project_path"])
        self._request = _request(run_params)
        self._ran: list[str] = []
        run_id = run.run_id if run is not None else run_params["run_id"]
        self.recorder = RunRecorder(project, self._data, catalog, run_id)
        if run is not None:
            run.set_tags({**_tags(self.recorder), **self.notes})

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Note the inputs of a node."""
        self._ran.append(node.name)
        self.recorder.begin(node)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Finish a node without outputs."""
        if not node.outputs:
            self.recorder.done(node)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Finish a node when its last output is saved."""
        self.recorder.saved(node, dataset_name)

    @hook_impl(tryfirst=True)  # before the tracked run is closed
    def after_pipeline_run(self) -> None:
        """Write the record of the run."""
        self._close()

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self) -> None:
        """Write the record of the run up to the failure."""
        self._close()

    @property
    def ran(self) -> tuple[str, ...]:
        """Names of the nodes that ran."""
        return tuple(self._ran)

    def take_over(self, node: Node, record: NodeRecord, catalog: DataCatalog) -> None:  # noqa: ARG002 - one protocol
        """Make the outputs of an up-to-date node those of this run."""
        self.recorder.reuse(record)

    def _close(self) -> None:
        recorder = self.recorder
        record = RunRecord(
            run_id=recorder.run_id,
            request=self._request,
            parameters=redact_all(result_parameters(self._parameters)),
            catalog_hash=hash_values(self._catalog),
            catalog_entries=hash_entries(self._catalog),
            code=recorder.code,
            environment=recorder.environment,
            nodes=recorder.records,
        )
        recorder.ledger.add_run(record)
        recorder.close()
        run = active_run()
        if run is not None:
            run.log_text(record.model_dump_json(indent=1), RUN_RECORD)
            if recorder.git.diff:
                run.log_text(redact(recorder.git.diff), WORKING_TREE)


def _tags(recorder: RunRecorder) -> dict[str, str]:
    return {
        **recorder.git.tags,
        "lock_hash": recorder.environment.lock_hash or "unknown",
        "device": recorder.environment.device,
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


def _versions(given: Any) -> dict[str, str]:  # noqa: ANN401 - Kedro passes a mapping, or a list of NAME:VERSION
    if isinstance(given, dict):
        return dict(given)
    return dict(text.split(":", 1) for text in given or ())
