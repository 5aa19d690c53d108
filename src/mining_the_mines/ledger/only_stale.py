"""A runner that skips nodes that are up to date: ``kedro run --only-stale``."""

import logging
from typing import Any, Protocol, runtime_checkable

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import SequentialRunner
from kedro.runner.task import Task
from pluggy import PluginManager

from mining_the_mines.ledger.recorder import RunRecorder
from mining_the_mines.ledger.records import NodeRecord

logger = logging.getLogger(__name__)


@runtime_checkable
class TakesOver(Protocol):
    """A hook that receives the nodes that are up to date."""

    def take_over(self, node: Node, record: NodeRecord, catalog: Any, /) -> None:  # noqa: ANN401 - Kedro's catalog
        """Take over the outputs of such a node."""
        ...


@runtime_checkable
class RecordsRun(TakesOver, Protocol):
    """The hook that records the run."""

    recorder: RunRecorder


class OnlyStaleRunner(SequentialRunner):
    """Skips a node if a record has the same code, parameters and inputs and its outputs are intact.

    A node whose inputs turn out as before is skipped too, although the nodes before it ran again. Outputs in memory are
    made when a node that runs needs them.
    """

    def _run(
        self,
        pipeline: Pipeline,
        catalog: CatalogProtocol[Any, Any],
        hook_manager: PluginManager | None = None,
        run_id: str | None = None,
    ) -> None:
        if hook_manager is None:
            raise ValueError("OnlyStaleRunner needs the hooks of a Kedro session, which record the run.")
        _StaleRun(pipeline, catalog, hook_manager, run_id).run()


class _StaleRun:
    """One run of a pipeline."""

    def __init__(
        self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any], hook_manager: PluginManager, run_id: str | None
    ) -> None:
        self._pipeline = pipeline
        self._catalog = catalog
        self._hook_manager = hook_manager
        self._run_id = run_id
        self._recording = next(hook for hook in hook_manager.get_plugins() if isinstance(hook, RecordsRun))
        self._writers = {output: node for node in pipeline.nodes for output in node.outputs}
        self._deferred: set[Node] = set()

    def run(self) -> None:
        nodes = self._pipeline.nodes
        ran: set[Node] = set()
        for node in nodes:
            record = self._recording.recorder.recall(node)
            if record is None:
                ran |= self._execute(node)
                continue
            self._take_over(node, record)
            if any(state.path is None for state in record.outputs):
                self._deferred.add(node)
        logger.info("Ran %d of %d nodes; the others were up to date.", len(ran), len(nodes))

    def _take_over(self, node: Node, record: NodeRecord) -> None:
        """Tell all hooks; the recorder first, which makes the catalog read the right versions."""
        others = [hook for hook in self._hook_manager.get_plugins() if isinstance(hook, TakesOver)]
        for hook in (self._recording, *(hook for hook in others if hook is not self._recording)):
            hook.take_over(node, record, self._catalog)

    def _execute(self, node: Node) -> set[Node]:
        """Run a node after the deferred nodes whose outputs in memory it needs."""
        ran = {node}
        for needed in dict.fromkeys(self._writers[name] for name in node.inputs if name in self._writers):
            if needed in self._deferred:
                self._deferred.discard(needed)
                ran |= self._execute(needed)
        Task(
            node=node, catalog=self._catalog, hook_manager=self._hook_manager, is_async=False, run_id=self._run_id
        ).execute()
        logger.info("Completed node: %s", node.name)
        return ran
