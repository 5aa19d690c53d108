"""Refuses runners that run nodes at the same time."""

from typing import Any, Final

from kedro.framework.hooks import hook_impl

from mining_the_mines.core.errors import BadInputError

#: Runners that run nodes at the same time, and the reason against each.
_REFUSED: Final = {
    "ParallelRunner": "Kedro calls no hooks in its processes, so that no node and no file would be recorded or tracked",
    "ThreadRunner": "random seeds and records belong to the whole process, so that no result could be reproduced",
}


class RunnerCheck:
    """Refuses runners that would lose records or reproducibility."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Check the runner of a run.

        Raises:
            BadInputError: It runs nodes at the same time.
        """
        for name, reason in _REFUSED.items():
            if name in str(run_params.get("runner")):
                raise BadInputError(
                    f"{name} can't run these pipelines: {reason}. Leave --runner out: a node uses several cores itself."
                )
