"""Refuses runs whose networks are to start from weights that can't be read."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline

#: Parameters that name weights, by the end of their dotted names; the encoder of a segmenter is an architecture.
_WEIGHTS: Final = (".pretrained", "features.encoder")


class FirstWeights:
    """Refuses a run at its start, since the last of its networks is trained after all the others."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Take the parameters."""
        self._parameters = context.config_loader["parameters"]

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Read the weights that the nodes of a run are to start from.

        Raises:
            BadInputError: A file is missing, cut off or holds more than numbers, or a package is not installed.
        """
        inputs = {f"{name.removeprefix('params:')}." for name in pipeline.inputs() if name.startswith("params:")}
        for weights in sorted({*named_weights(self._parameters, inputs)}):
            from mining_the_mines.models.weight_sources import check_readable

            check_readable(weights)


def named_weights(parameters: Mapping[str, Any], inputs: Collection[str], above: str = "") -> Iterator[str]:
    """Names and files of weights among the parameters that nodes read.

    Args:
        parameters: Parameters, and groups of them, by name.
        inputs: Dotted names of the groups of parameters that nodes read, with a dot at the end of each.
        above: Dotted name of the group that the parameters stand in, with a dot at its end.
    """
    for name, value in parameters.items():
        dotted = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from named_weights(value, inputs, f"{dotted}.")
        elif isinstance(value, str) and dotted.endswith(_WEIGHTS) and dotted.startswith(tuple(inputs)):
            yield value
