"""A slice of each pipeline on a catalog in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.chips.folds import FoldSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.models.kinds import CrossValidationSettings, ModelKinds
from mining_the_mines.models.logistic import LogisticRegression
from mining_the_mines.models.trees import BoostedTrees
from mining_the_mines.pipeline_registry import register_pipelines
from mining_the_mines.pipelines.evaluation.nodes import EvaluationSettings
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from support.chip_files import packed_chips

PIPELINES = register_pipelines()
CHIPS = 24


def run(pipeline: Pipeline, **inputs: Any) -> dict[str, Any]:
    """Run on values in memory; names are written with __ for a dot and a colon."""
    names = {name: name.replace("params__", "params:").replace("__", ".") for name in inputs}
    catalog = DataCatalog({names[name]: MemoryDataset(value) for name, value in inputs.items()})
    outputs = SequentialRunner().run(pipeline, catalog)
    return {name: dataset.load() for name, dataset in outputs.items()}


def folds_table() -> pd.DataFrame:
    """24 chips of 12 places, the last four of them for testing."""
    numbers = np.arange(CHIPS)
    return pd.DataFrame(
        {
            "filename": [f"chip_{number}.tif" for number in numbers],
            "label": pd.array(numbers % 2, dtype="Int64"),
            "category": np.where(numbers % 2 == 1, "mine", "forest"),
            "longitude": -60.0 + numbers,
            "latitude": -5.0,
            "place": [f"p{number // 2}" for number in numbers],
            "split": np.where(numbers < 20, "train", "test"),
            "fold": pd.array([number % 4 // 2 if number < 20 else pd.NA for number in numbers], dtype="Int64"),
        }
    )


def probabilities(noise: float, seed: int) -> pd.DataFrame:
    """Out-of-fold probabilities of the 20 training chips, right but for some noise."""
    table = folds_table()[:20]
    random = np.random.default_rng(seed)
    values = np.clip(table["label"].astype(float) * 0.6 + 0.2 + random.normal(0, noise, 20), 0.01, 0.99)
    return pd.DataFrame({"filename": table["filename"], "probability": values})


def test_preprocessing() -> None:
    table = folds_table()
    manifest = table.assign(
        verdict="accepted", group=table["place"], near_duplicate=pd.array([pd.NA] * CHIPS, dtype="Int64")
    )
    outputs = run(
        PIPELINES["preprocessing"].only_nodes("preprocessing.assign_folds"),
        manifest=manifest,
        corrections=None,
        params__folds=FoldSettings(folds=3, test_share=0.25),
    )
    assert len(outputs["folds"]) == CHIPS
    assert not outputs["folds"].drop_duplicates(["place", "split", "fold"])["place"].duplicated().any()


def test_feature_extraction() -> None:
    outputs = run(
        PIPELINES["feature_extraction"],
        packed_chips=packed_chips(3),
        params__features=FeatureSettings(indices=("NDVI",), families=("moments", "cover")),
    )
    assert len(outputs["features"]) == 3
    assert {"NDVI_mean", "water_share"} <= set(outputs["features"].columns)


def test_training(tmp_path: Path) -> None:
    table = folds_table()
    trees = BoostedTrees(iterations=5, bag=1, min_samples_leaf=2, max_features=1.0)
    features = pd.DataFrame(
        {"signal_mean": table["label"].to_numpy(dtype=float) + np.linspace(0, 0.1, CHIPS), "empty_mean": np.nan},
        index=table["filename"],
    )
    outputs = run(
        PIPELINES["training"].only_nodes("classification.train_classifiers"),
        packed_chips=packed_chips(CHIPS),
        features=features,
        folds=table,
        band_statistics={},
        classification__checkpoints=tmp_path,
        params__classification__models=ModelKinds({"trees": trees, "logistic": LogisticRegression()}),
        params__features=FeatureSettings(),
        params__cross_validation=CrossValidationSettings(workers=1),
        params__dask=DaskSettings(),
    )
    fitted = outputs["classification.probabilities"]
    assert set(fitted["filename"]) == set(table["filename"][:20])
    assert list(fitted.columns) == ["filename", *outputs["classification.models"]] == ["filename", "trees", "logistic"]
    assert fitted["trees"].between(0, 1).all()
    assert set(outputs["classification.importances"]["model"]) == {"trees", "logistic"}


def test_evaluation_out_of_fold() -> None:
    test = folds_table()[20:]
    outputs = run(
        PIPELINES["evaluation"].only_nodes("classification.gather_predictions", "classification.score_models"),
        folds=folds_table(),
        classification__probabilities=probabilities(0.4, 1)
        .rename(columns={"probability": "trees"})
        .assign(network=probabilities(0.05, 2)["probability"]),
        classification__blend_probabilities=probabilities(0.4, 3),
        classification__test_probabilities=pd.DataFrame(
            # the network is wrong on every test chip, and is chosen all the same
            {
                "filename": test["filename"],
                "trees": 0.5,
                "network": 1 - test["label"].astype(float),
                "blend": 0.5,
            }
        ),
        params__classification__evaluation=EvaluationSettings(bootstrap=BootstrapSettings(resamples=20)),
    )
    assert outputs["classification.decision"]["chosen"] == "network"
    assert 0.2 < outputs["classification.decision"]["thresholds"]["network"] < 0.8
