"""Refuses parameters of the command line that nothing would read."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from kedro.config import AbstractConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines

from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.core.errors import BadInputError

#: How configuration asks for a parameter of the command line.
_ASKED_FOR: Final = re.compile(r"\$\{runtime_params:\s*([\w.]+)")


class GivenParameters:
    """Refuses parameters of the command line that nothing would read, such as misspelt ones.

    The fields of a parameter are checked by its settings class when the run begins.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Compare the given parameters with those that exist."""
        loader = context.config_loader
        if loader.runtime_params:
            refuse_unknown(loader.runtime_params, known_parameters(loader))


def known_parameters(loader: AbstractConfigLoader) -> set[str]:
    """Names of all parameters: those that nodes and the configuration read."""
    names: set[str] = set()
    for pipeline in pipelines.values():
        names.update(name.removeprefix("params:") for name in pipeline.inputs() if name.startswith("params:"))
    for file in Path(loader.conf_source).glob("*/*.yml"):
        names.update(_ASKED_FOR.findall(file.read_text(encoding="utf-8")))
    return names


def refuse_unknown(given: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse parameters that do not exist.

    Args:
        given: Parameters of the command line, nested.
        known: Dotted names of parameters; whatever lies below one is checked by its settings class.

    Raises:
        BadInputError: One does not exist; the message suggests those that are spelt nearly alike.
    """
    for name in flatten(given):
        if not any(f"{name}.".startswith(f"{each}.") for each in known):
            close = get_close_matches(name, known, n=2)
            hint = f"did you mean {' or '.join(close)}?" if close else "docs/parameters.md lists them."
            raise BadInputError(f"There is no parameter {name}: {hint}")
