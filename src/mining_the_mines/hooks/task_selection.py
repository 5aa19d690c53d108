"""Leaves the pipelines with what an environment's data have."""

from collections.abc import Sequence

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.pipelines.chip_source import read_chip_source
from mining_the_mines.pipelines.tasks import TASKS, Task


class TaskSelection:
    """Leaves the pipelines with what an environment's data have.

    The parameter ``tasks`` names the questions, since not all data have labels and outlines; ``acquisition`` says
    where chips come from.
    """

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Register the pipelines of those tasks and of that origin."""
        from mining_the_mines.pipeline_registry import register_pipelines

        parameters = context.config_loader["parameters"]
        chosen = read_tasks(parameters.get("tasks", TASKS))
        origin, named = read_chip_source(parameters.get("acquisition")), bool(parameters.get("scene"))
        compared = bool((parameters.get("reporting") or {}).get("compare"))
        for name, pipeline in register_pipelines(chosen, origin, named=named, compared=compared).items():
            if name in pipelines:
                pipelines[name] = pipeline


def read_tasks(value: object) -> tuple[Task, ...]:
    """The parameter ``tasks``: one name or several.

    Raises:
        BadInputError: It names no task, or one that does not exist.
    """
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not names or any(name not in TASKS for name in names):
        raise BadInputError(f"The parameter tasks is {value!r}: name {' or '.join(TASKS)}, or both.")
    return tuple(task for task in TASKS if task in names)
