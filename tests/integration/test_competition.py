"""The environment of the "Finding Mining Sites" competition, on made-up chips in its layout."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from support.projects import SMALL, copy_project, newest, run

pytestmark = [pytest.mark.end_to_end, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]

TRAIN, EVALUATION = 13, 3
#: Pixels of a chip's side; the competition's have 512.
SIDE = 256
#: A quick network in place of maxvit_tiny_tf_512; chips, folds, labels and submission are the competition's.
QUICK: dict[str, Any] = {
    "imagery": {"min_chips_per_class": 4, "size": SIDE},
    "folds": {"folds": 2, "test_share": 0.25},
    "cross_validation": SMALL["cross_validation"],
    "classification": {
        **SMALL["classification"],
        "models": {
            **SMALL["classification"]["models"],
            "network": {
                "network": {"architecture": "test_convnext", "input_size": 64, "pretrained": None},
                "epochs": 1,
                "loader_workers": 0,
                "test_time_augmentation": "none",
                "accelerator": "cpu",
            },
        },
    },
    "reporting": SMALL["reporting"],
}


def write_chip(path: Path, seed: int, *, mine: bool, zero: bool = False) -> None:
    """12 bands of float32 reflectance without georeference, bands named."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(0.03, 0.3, (12, 16, 16)).astype(np.float32)
    pixels = np.kron(coarse, np.ones((SIDE // 16, SIDE // 16), np.float32)) * (0 if zero else 1)
    if mine and not zero:
        pixels[:, 100:200, 100:200] += 0.3
    with rasterio.open(path, "w", driver="GTiff", count=12, height=SIDE, width=SIDE, dtype="float32") as file:
        file.write(pixels)
        file.descriptions = COMPETITION_BANDS


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has run on the made-up chips."""
    folder = tmp_path_factory.mktemp("competition")
    for part in ("train", "evaluation"):
        (folder / part).mkdir()
    with (folder / "train/answer.csv").open("w", newline="", encoding="utf-8") as file:
        answers = csv.writer(file)
        for number in range(TRAIN):
            mine = number % 2 == 0
            write_chip(folder / f"train/train_{number}.tif", number, mine=mine, zero=number == 7)
            answers.writerow([f"train_{number}.tif", int(mine)])
    for number in range(9, 9 + EVALUATION):
        write_chip(folder / f"evaluation/evaluation_{number}.tif", 100 + number, mine=number == 10)
    (folder / "evaluation/evaluation_12.tif").write_bytes(b"no picture at all")
    project = copy_project(folder / "project")
    run(project, ["classification"], env="solafune", parameters={**QUICK, "raw_root": str(folder)})
    return project


def test_the_submission_has_the_competitions_form_and_order(project: Path) -> None:
    lines = newest(project, "submission.csv").read_text(encoding="utf-8").split()
    assert [line.split(",")[0] for line in lines] == [f"evaluation_{number}.tif" for number in (9, 10, 11, 12)]
    assert {line.split(",")[1] for line in lines} <= {"0", "1"}


def test_a_chip_that_is_no_picture_is_named_in_the_predictions_and_entered_as_no_mine(project: Path) -> None:
    predictions = pd.read_csv(newest(project, "predictions.csv")).set_index("filename")
    assert "evaluation_12.tif" in str(predictions.loc["evaluation_12.tif", "error"])
    assert predictions["probability"].notna().sum() == EVALUATION
    assert newest(project, "submission.csv").read_text(encoding="utf-8").split()[-1] == "evaluation_12.tif,0"


def test_the_chip_that_is_zero_in_every_band_is_rejected_with_its_reason(project: Path) -> None:
    rejected = pd.read_csv(newest(project, "rejected_chips.csv"))
    assert rejected["filename"].tolist() == ["train_7.tif"]
    assert "zero" in rejected["reason"][0]


def test_folds_need_no_coordinates(project: Path) -> None:
    folds = pd.read_csv(newest(project, "folds.csv"))
    assert len(folds) == TRAIN - 1
    assert folds["longitude"].isna().all()


def test_the_competitions_recipe_is_what_the_parameters_say() -> None:
    from kedro.config import OmegaConfigLoader

    from mining_the_mines.models.networks import ClassifierNetworks
    from support.projects import PROJECT

    loader = OmegaConfigLoader(
        str(PROJECT / "conf"), base_env="base", env="solafune", merge_strategy={"parameters": "soft"}
    )
    training = ClassifierNetworks(**loader["parameters"]["classification"]["models"]["network"])
    assert training.network.architecture == "maxvit_tiny_tf_512"
    assert training.network.overrides is None
    assert (training.epochs, training.learning_rate, training.weight_decay) == (10, 1e-4, 1e-2)
    assert (training.label_smoothing, training.class_weights) == (0.1, True)
    assert training.network.pretrained == "imagenet"
    assert training.network.pretrained_fallback
