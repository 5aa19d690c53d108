"""Runs only what has changed: by what code, parameters and inputs hold, not by whether outputs are there."""

import logging
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import SequentialRunner
from kedro.runner.task import Task
from pluggy import PluginManager

from mining_the_mines.hooks.recording import RunRecording
from mining_the_mines.ledger.records import NodeRecord

logger = logging.getLogger(__name__)


@runtime_checkable
class TakesOver(Protocol):
    """A hook that wants to know of nodes that are not run, since they have once made the same."""

    def take_over(self, node: Node, record: NodeRecord, catalog: Any, /) -> None:  # noqa: ANN401 - Kedro's catalog
        """Take over what such a node has made."""
        ...


class OnlyStaleRunner(SequentialRunner):
    """Leaves out nodes that have once made the same, as long as what they made is still whole.

    A node whose inputs turn out as before, though what made them has run again, is left out too. What is in memory only
    is made when a node that does run asks for it. Training that was cut short goes on from its checkpoints.
    """

    def _run(
        self,
        pipeline: Pipeline,
        catalog: CatalogProtocol[Any, Any],
        hook_manager: PluginManager | None = None,
        run_id: str | None = None,
    ) -> None:
        if hook_manager is None:
            raise ValueError("Without hooks nobody keeps books: run this in a Kedro session.")
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
        self._keeping = _keeping(hook_manager)
        self._writers = {output: node for node in pipeline.nodes for output in node.outputs}
        self._put_off: set[Node] = set()

    def run(self) -> None:
        nodes = self._pipeline.nodes
        for node in nodes:
            record = self._keeping.books.recall(node)
            if record is None:
                self._make(node)
                continue
            self._take_over(node, record)
            if any(state.path is None for state in record.outputs):
                self._put_off.add(node)
        made = self._keeping.made
        logger.info("Ran %d of %d nodes; nothing has changed for the others.", len(made), len(nodes))

    def _take_over(self, node: Node, record: NodeRecord) -> None:
        """Let all who follow the run know what the node has made before; the books first, which say where it lies."""
        others = [hook for hook in self._hook_manager.get_plugins() if isinstance(hook, TakesOver)]
        for hook in (self._keeping, *(hook for hook in others if hook is not self._keeping)):
            hook.take_over(node, record, self._catalog)

    def _make(self, node: Node) -> None:
        """Run a node, and before it those whose outputs in memory it needs and that were left out until now."""
        for needed in self._needed(node):
            self._put_off.discard(needed)
            self._make(needed)
        self._keeping.books.name_training(node, goes_on=True)
        Task(
            node=node, catalog=self._catalog, hook_manager=self._hook_manager, is_async=False, run_id=self._run_id
        ).execute()
        logger.info("Completed node: %s", node.name)

    def _needed(self, node: Node) -> Iterator[Node]:
        writers = dict.fromkeys(self._writers[name] for name in node.inputs if name in self._writers)
        yield from [writer for writer in writers if writer in self._put_off]


def _keeping(hook_manager: PluginManager) -> RunRecording:
    return next(plugin for plugin in hook_manager.get_plugins() if isinstance(plugin, RunRecording))
