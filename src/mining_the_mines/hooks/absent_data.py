"""Refuses runs that need data which the environment does not have."""

import inspect
from collections.abc import Iterator
from typing import Any, Final, get_type_hints

from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mining_the_mines.core.errors import BadInputError

#: Tag of the nodes that train.
_TRAINING: Final = "training"


class AbsentData:
    """Refuses a run at its start if a node needs what the catalog says is absent, itself or through what it reads."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Look for such nodes.

        Raises:
            BadInputError: There is one; the sentence names the pipelines that the data allow.
        """
        reason = find_absent(pipeline, pipelines["__default__"], catalog)
        if reason:
            raise BadInputError(reason.replace("{env}", str(run_params.get("env") or "base")))


def find_absent(pipeline: Pipeline, whole: Pipeline, catalog: DataCatalog) -> str:
    """Find the first dataset that a pipeline needs and the catalog says is absent.

    Args:
        pipeline: What is to be run.
        whole: All stages: makers of files that are not there yet.
        catalog: A dataset in it is absent if it has a text ``absent``, which says why.

    Returns:
        Why it is absent; empty if nothing is.
    """
    absent = {name: _absent(catalog, name) for name in sorted({*pipeline.datasets(), *whole.datasets()})}
    if not any(absent.values()):
        return ""
    own = {name: node for node in pipeline.nodes for name in node.outputs}
    makers = {name: node for node in whole.nodes for name in node.outputs}
    seen: set[Node] = set()
    waiting = list(pipeline.nodes)
    while waiting:
        node = waiting.pop(0)
        if node in seen:
            continue
        seen.add(node)
        for name in (*_needs(node), *node.outputs):
            if absent.get(name):
                return absent[name]
        unmade = [name for name in _needs(node) if name in makers and name not in own]
        waiting += [makers[name] for name in unmade if not _is_there(catalog, name)]
    return next((absent[name] for name in _labels(pipeline) if absent.get(name)), "")


def _labels(pipeline: Pipeline) -> set[str]:
    """Inputs of the nodes that lead to training: without polygons they make chips, but chips without labels."""
    training = [node.name for node in pipeline.nodes if _TRAINING in node.tags]
    return pipeline.to_nodes(*training).inputs() if training else set()


def _absent(catalog: DataCatalog, name: str) -> str:
    return "" if name.startswith("param") else getattr(catalog.get(name), "absent", "")


def _is_there(catalog: DataCatalog, name: str) -> bool:
    """Whether a dataset has been made, or is one that people hand over."""
    return getattr(catalog.get(name), "read_only", False) or catalog.exists(name)


def _needs(node: Node) -> Iterator[str]:
    """The inputs of a node that it can't do without, by the annotations of its function."""
    given = node._inputs  # noqa: SLF001 - Kedro reads annotations in the same way
    names = [given] if isinstance(given, str) else given or []
    positional, named = ([], names) if isinstance(names, dict) else (names, {})
    bound = inspect.signature(node.func).bind(*positional, **named)
    hints = get_type_hints(node.func)
    for argument, name in bound.arguments.items():
        if not _takes_none(hints.get(argument)):
            yield name


def _takes_none(hint: Any) -> bool:  # noqa: ANN401 - annotations have no common type
    return type(None) in getattr(hint, "__args__", ())
