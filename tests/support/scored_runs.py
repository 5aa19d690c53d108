"""Tracked runs that have scored some chips."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd

from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.run_comparison import ScoredRun
from mining_the_mines.scoring.segmentation import segmentation_score_table
from mining_the_mines.scoring.tables import score_table
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_thresholds
from mining_the_mines.tracking.store import RunStore
from support.empty_stores import make_store
from support.predictions import make_table
from support.scored_segmentation import make_measures

QUICK = BootstrapSettings(resamples=30)


def make_scored_run(
    name: str = "first",
    seed: int = 0,
    skill: float = 1.5,
    better: float = 0.0,
    parameters: Mapping[str, str] | None = None,
) -> ScoredRun:
    """A run on made-up chips; the same seed makes the same chips and answers.

    Args:
        name: Its name.
        seed: Of the chips.
        skill: Of its segmentation.
        better: How far its probabilities lie nearer to the truth than those of a run without it, 0–1.
        parameters: That it was run with.
    """
    predictions = make_table(36, seed=seed)
    closer = predictions["probability"] + better * (predictions["label"] - predictions["probability"])
    predictions = predictions.assign(probability=closer)
    measures = make_measures(chips=60, seed=seed, skill=skill)
    thresholds = choose_thresholds(predictions, ThresholdSettings())
    names = sorted({*predictions["filename"], *measures["filename"]})
    return ScoredRun(
        name=name,
        made_of={"git_commit": "a" * 40, "data_hash": hashlib.sha256(str(seed).encode()).hexdigest()},
        parameters=dict(parameters or {"epochs": "20", "seed": "0"}),
        chip_hashes={file: hashlib.sha256(f"{seed} {file}".encode()).hexdigest() for file in names},
        predictions=predictions,
        thresholds=thresholds,
        chosen="blend",
        chosen_by="roc_auc",
        chip_measures=measures,
        classification_scores=score_table(predictions, thresholds, QUICK),
        segmentation_scores=segmentation_score_table(measures, QUICK),
    )


def with_other_chips(run: ScoredRun, share: float = 1.0) -> ScoredRun:
    """The same run, but the first of its chips have another picture under the same name."""
    names = sorted(run.chip_hashes)
    other = set(names[: round(share * len(names))])
    hashes = {name: "0" * 64 if name in other else known for name, known in run.chip_hashes.items()}
    return replace(run, chip_hashes=hashes)


def without_answers(run: ScoredRun) -> ScoredRun:
    """The same run, as if it had never come to evaluation."""
    return replace(run, predictions=None, chip_measures=None, classification_scores=None, segmentation_scores=None)


@dataclass
class Tracked:
    """An MLflow store in a folder, to be filled with runs."""

    folder: Path
    experiment: str = "mining_the_mines"
    ids: list[str] = field(default_factory=list)

    @property
    def store(self) -> RunStore:
        """Its address."""
        return RunStore(f"sqlite:///{self.folder}/data/mlflow/mlflow.db", self.experiment)

    def add(
        self,
        run: ScoredRun | None = None,
        name: str = "__default__",
        status: str = "FINISHED",
        parent: str | None = None,
    ) -> str:
        """Track a run as ``kedro run`` would, and tell its id."""
        make_store(self.folder / "data/mlflow/mlflow.db")
        client = mlflow.MlflowClient(self.store.address)
        found = client.get_experiment_by_name(self.experiment)
        experiment = (
            client.create_experiment(self.experiment, str(self.folder / "data/mlflow/artifacts"))
            if found is None
            else found.experiment_id
        )
        tags = {"mlflow.parentRunId": parent} if parent else {}
        # Times rise by a second, since two runs of a test begin within a millisecond.
        began = 1_790_000_000_000 + 1000 * len(self.ids)
        key = str(client.create_run(experiment, start_time=began, run_name=name, tags=tags).info.run_id)
        if run is not None:
            self._log(client, key, run)
        client.set_terminated(key, status)
        self.ids.append(key)
        return key

    def _log(self, client: mlflow.MlflowClient, key: str, run: ScoredRun) -> None:
        for name, value in run.made_of.items():
            client.set_tag(key, name, value)
        for name, value in run.parameters.items():
            client.log_param(key, name, value)
        manifest = pd.DataFrame({"filename": list(run.chip_hashes), "sha256": list(run.chip_hashes.values())})
        client.log_text(key, manifest.to_csv(index=False), "manifest.csv")
        tables = {
            "classification/scored_predictions.csv": run.predictions,
            "classification/scores.csv": run.classification_scores,
            "segmentation/segmentation_chip_scores.csv": run.chip_measures,
            "segmentation/segmentation_scores.csv": run.segmentation_scores,
        }
        for path, table in tables.items():
            if table is not None:
                client.log_text(key, table.to_csv(index=False), path)
        if run.predictions is not None:
            decision = {"chosen": run.chosen, "chosen_by": run.chosen_by, "thresholds": dict(run.thresholds)}
            client.log_text(key, json.dumps(decision), "classification/decision.json")


def shuffled(run: ScoredRun, seed: int = 0) -> ScoredRun:
    """The same run with its chips in another order."""
    rng = np.random.default_rng(seed)
    assert run.predictions is not None
    assert run.chip_measures is not None
    return replace(
        run,
        predictions=run.predictions.iloc[rng.permutation(len(run.predictions))],
        chip_measures=run.chip_measures.iloc[rng.permutation(len(run.chip_measures))],
    )
