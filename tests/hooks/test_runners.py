"""Runs that are refused before they begin."""

import pytest
from kedro.runner import ParallelRunner, SequentialRunner, ThreadRunner

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.hooks.runners import RunnerCheck
from mining_the_mines.ledger.only_stale import OnlyStaleRunner


@pytest.mark.parametrize("runner", [ParallelRunner(), ThreadRunner(), "ParallelRunner"])
def test_runners_of_several_nodes_at_once(runner: object) -> None:
    with pytest.raises(BadInputError, match=r"^(Parallel|Thread)Runner can't run .* Leave --runner out"):
        RunnerCheck().before_pipeline_run({"runner": str(runner)})


@pytest.mark.parametrize("runner", [SequentialRunner(), OnlyStaleRunner(), None])
def test_other_runners(runner: object) -> None:
    RunnerCheck().before_pipeline_run({"runner": str(runner)})
