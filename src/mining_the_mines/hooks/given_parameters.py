"""Refuses parameters of the command line that nothing would read."""

import re
from collections.abc import Collection, Mapping
from copy import copy
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from kedro.config import AbstractConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.pipelines.tasks import TASKS

#: How the catalog asks for a parameter of the command line.
_ASKED_FOR: Final = re.compile(r"\$\{runtime_params:\s*([\w.]+)")


class GivenParameters:
    """Refuses parameters of the command line that nothing would read: a slip of the pen is no choice.

    What lies deeper than a parameter of the pipelines is checked with its other fields when the run begins.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Compare what was given with what the configuration knows."""
        loader = context.config_loader
        if loader.runtime_params:
            refuse_unknown(loader.runtime_params, known_parameters(loader))


def known_parameters(loader: AbstractConfigLoader) -> set[str]:
    """Names of all parameters: those in files, one level deeper where a task has its own, and what catalogs ask for."""
    plain = copy(loader)
    plain.runtime_params = {}
    written = plain["parameters"]
    names = {name for name in written if name not in TASKS}
    names.update(f"{task}.{name}" for task in TASKS for name in written.get(task) or {})
    for catalog in Path(loader.conf_source).glob("*/catalog*.yml"):
        names.update(_ASKED_FOR.findall(catalog.read_text(encoding="utf-8")))
    return names


def refuse_unknown(given: Mapping[str, Any], known: Collection[str]) -> None:
    """Look whether all parameters are known.

    Args:
        given: Parameters of the command line, nested.
        known: Names of parameters, dotted; all that lies below one is its own concern.

    Raises:
        BadInputError: One of them is not; the message names those that are spelt nearly so.
    """
    for name in flatten(given):
        if not any(f"{name}.".startswith(f"{each}.") for each in known):
            close = get_close_matches(name, known, n=2)
            hint = f"did you mean {' or '.join(close)}?" if close else "conf/base/parameters_*.yml list them."
            raise BadInputError(f"There is no parameter {name}: {hint}")
