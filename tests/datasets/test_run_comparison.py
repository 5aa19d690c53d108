"""Runs to compare with are found in the store that the run itself is tracked in."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.run_comparison import ComparedRunsDataset, read_run
from mining_the_mines.pipelines.reporting import create_pipeline
from mining_the_mines.pipelines.reporting.comparison_nodes import compare_with_others
from mining_the_mines.pipelines.reporting.nodes import ReportingSettings
from mining_the_mines.pipelines.tasks import Task
from mining_the_mines.tracking.run import set_active_run
from support import tracked_runs
from support.scored_runs import Tracked, make_scored_run

MINE = make_scored_run(better=0.4)


@pytest.fixture
def tracked(tmp_path: Path) -> Iterator[Tracked]:
    """A run of the store in which the active run is tracked."""
    tracked = Tracked(tmp_path)
    tracked.add(make_scored_run(), name="first")
    run = tracked_runs.begin(tmp_path, tracked.store)
    set_active_run(run)
    yield tracked
    set_active_run(None)
    run.end()


def test_a_run_is_compared_with_another_by_name_on_what_both_know(tracked: Tracked) -> None:
    comparison = compare_with_others(
        ComparedRunsDataset().load(),
        pd.DataFrame({"filename": list(MINE.chip_hashes), "sha256": list(MINE.chip_hashes.values())}),
        {"Git commit": "c" * 40, "Data hash": ""},
        {"epochs": 40, "new": {"here": 1}, "reporting": {"compare": "first"}},
        ReportingSettings.model_validate({"compare": "first", "bootstrap": {"resamples": 50}}),
        MINE.predictions,
        {"chosen": MINE.chosen, "chosen_by": MINE.chosen_by, "thresholds": dict(MINE.thresholds)},
        MINE.chip_classification_scores,
    )
    assert comparison.runs == ("this run", f"run {tracked.ids[0][:12]}")
    assert comparison.made_of["name"].tolist() == ["git_commit"]
    assert comparison.parameters["name"].tolist() == ["epochs"]
    assert comparison.parameters_of_some["name"].tolist() == ["new.here", "seed"]
    found = {(pair.question, pair.split): pair for pair in comparison.pairs}
    assert found["detection", "out-of-fold"].deciding[1] == "better"
    assert found["outlines", "test"].obstacle == "this run has kept no scores of single chips"


def test_without_tracking_it_says_what_to_leave_out() -> None:
    with pytest.raises(BadInputError, match=r"leave out reporting\.compare"):
        read_run("LAST")


def test_runs_of_the_past_are_not_written() -> None:
    dataset = ComparedRunsDataset()
    assert "ComparedRunsDataset" in str(dataset)
    with pytest.raises(DatasetError, match="can only be read"):
        dataset.save("anything")  # type: ignore[arg-type]


@pytest.mark.parametrize("tasks", [("classification",), ("segmentation",), ("classification", "segmentation")])
def test_runs_are_compared_only_where_some_are_named(tasks: tuple[Task, ...]) -> None:
    names = {node.name for node in create_pipeline(tasks, compared=True).nodes}
    assert "reporting.compare_with_others" in names
    assert not any("compare_with_others" in node.name for node in create_pipeline(tasks).nodes)


def test_names_on_the_command_line_stand_in_one_text() -> None:
    assert ReportingSettings.model_validate({"compare": "LAST abc"}).compare == ("LAST", "abc")
    assert ReportingSettings.model_validate({"compare": ["LAST"]}).compare == ("LAST",)
    assert ReportingSettings().compare is None
