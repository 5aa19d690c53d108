"""What a run has found out is read back from its files."""

import pandas as pd
import pytest
from mlflow import MlflowClient

from mining_the_mines.cli.scored_runs import read_scored_run
from mining_the_mines.ledger.records import RUN_RECORD
from mining_the_mines.scoring.run_comparison import compare_runs
from mining_the_mines.tracking.runs import find_run
from support.recorded_runs import run
from support.scored_runs import QUICK, Tracked, make_scored_run

RUN = make_scored_run("kept")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """A run that has scored chips, and then one that has not."""
    tracked = Tracked(tmp_path_factory.mktemp("project"))
    tracked.add(RUN)
    tracked.add()
    return tracked


def test_scored_run(tracked: Tracked) -> None:
    back = read_scored_run(find_run(tracked.ids[0], tracked.store))
    assert back.name == tracked.ids[0][:12]
    assert (back.parameters, back.chip_hashes, back.made_of) == (RUN.parameters, RUN.chip_hashes, RUN.made_of)
    assert all(pair.same for pair in compare_runs([RUN, back], QUICK).pairs)
    assert back.segmentation_scores is not None and RUN.segmentation_scores is not None  # noqa: PT018 - for the type
    pd.testing.assert_frame_equal(back.segmentation_scores, RUN.segmentation_scores, check_dtype=False)


def test_parameters_come_from_the_record(tracked: Tracked) -> None:
    key = tracked.add(RUN, name="recorded")
    record = run().model_copy(update={"parameters": {"folds": {"folds": 3}, "scene": None, "epochs": 20}})
    MlflowClient(tracked.store.address).log_text(key, record.model_dump_json(), RUN_RECORD)
    back = read_scored_run(find_run("recorded", tracked.store))
    assert back.parameters == {"folds.folds": "3", "scene": "None", "epochs": "20"}


def test_run_without_scores(tracked: Tracked) -> None:
    back = read_scored_run(find_run(tracked.ids[1], tracked.store), "run of May")
    assert back.name == "run of May"
    assert back.predictions is None
    assert back.chip_measures is None
    assert back.chip_hashes == {}
