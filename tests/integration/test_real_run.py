"""The whole way on real Sentinel-2 chips."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.projects import SMALL, copy_project, newest, run

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_chips]

#: Enough for the trees to learn, with one epoch of a small network.
QUICK: dict[str, Any] = {
    "folds": {"folds": 3},
    "features": {"families": ["cover"]},
    "cross_validation": SMALL["cross_validation"],
    "classification": {
        "models": {
            "trees": {"iterations": 60, "bag": 2},
            "network": {
                **SMALL["classification"]["models"]["network"],
                "network": {"architecture": "test_convnext", "input_size": 48, "overrides": None, "pretrained": None},
                "epochs": 1,
                "networks": 1,
                "test_time_augmentation": "none",
            },
        },
        "evaluation": SMALL["classification"]["evaluation"],
    },
    "reporting": SMALL["reporting"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, real_chips: Path) -> Path:
    """A project that has run on the Amazon chips."""
    project = copy_project(tmp_path_factory.mktemp("real") / "project")
    run(
        project,
        ["classification"],
        env="amazon_mines",
        parameters={**QUICK, "raw_root": str(real_chips / "amazon_mines")},
    )
    return project


def test_every_chip_is_accounted_for(project: Path) -> None:
    manifest = pd.read_csv(newest(project, "manifest.csv"))
    rejected = pd.read_csv(newest(project, "rejected_chips.csv"))
    folds = pd.read_csv(newest(project, "folds.csv"))
    assert len(manifest) == 475
    assert len(folds) + len(rejected) == 475
    assert rejected["reason"].str.startswith("identical pixels").all()


def test_mines_are_found_in_places_that_were_not_trained_on(project: Path) -> None:
    scores = pd.read_csv(newest(project, "scores.csv"))
    row = scores[
        (scores["split"] == "out-of-fold")
        & (scores["model"] == "trees")
        & (scores["metric"] == "roc_auc")
        & scores["category_excluded"].isna()
    ]
    assert row["value"].item() > 0.85


def test_scores_are_told_without_the_easy_category(project: Path) -> None:
    scores = pd.read_csv(newest(project, "scores.csv"))
    assert "forest" in set(scores["category_excluded"].dropna())


def test_places_are_the_labels_groups(project: Path, real_chips: Path) -> None:
    folds = pd.read_csv(newest(project, "folds.csv"))
    groups = pd.read_csv(real_chips / "amazon_mines/labels.csv")[["filename", "group"]]
    together = folds.merge(groups, on="filename").drop_duplicates(["place", "group"])
    assert not together["group"].duplicated().any()


def test_every_chip_of_the_folder_is_predicted(project: Path) -> None:
    predictions = pd.read_csv(newest(project, "predictions.csv"))
    assert len(predictions) == 475
    assert predictions["error"].isna().all()
