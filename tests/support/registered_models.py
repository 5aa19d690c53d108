"""Descriptions, tables and scorers of models to register."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from mining_the_mines.models.description import ModelDescription, ReflectanceRange
from mining_the_mines.registry.package import Figure, PackageFacts
from mining_the_mines.registry.promotion import RegistrationSettings
from mining_the_mines.scoring.bootstrap import Scorer
from mining_the_mines.scoring.metrics import weighted_scores

BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
SETTINGS = RegistrationSettings(
    name="mine-classifier", metric="roc_auc", margin=0.01, resamples=200, minimum_chips=10, minimum_places=4
)


def description(task: str = "classification") -> ModelDescription:
    """A small model's."""
    return ModelDescription.model_validate(
        {
            "task": task,
            "decided_by": "trees" if task == "classification" else "network",
            "architecture": "boosted trees" if task == "classification" else "an ensemble of segmentation networks",
            "bands": BANDS,
            "chip_size": 32,
            "pixel_metres": 10,
            "plausible": ReflectanceRange(lowest=-0.09, highest=2, implausible_share=0.05, nodata_share=0.5),
            "input": "(B, 6, 32, 32) float32",
            "output": "(B,) float64: probability of a mine in each chip",
            "threshold": 0.41,
            "versions": {"torch": "2.15.0"},
        }
    )


def facts(bounds: tuple[float, float, float, float] | None = (-60.0, -5.0, -50.0, 2.0)) -> PackageFacts:
    """A small model's."""
    figure = Figure(split="test", metric="roc_auc", value=0.9, low=0.8, high=0.95)
    return PackageFacts(name="mine-classifier", data_hash="0" * 64, training_chips=20, bounds=bounds, scores=(figure,))


def judged_chips(chips: int = 60, places: int = 12, seed: int = 0) -> pd.DataFrame:
    """Test chips with the probabilities of a good model and of one that guesses."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, chips)
    return pd.DataFrame(
        {
            "filename": [f"chip_{number}.tif" for number in range(chips)],
            "label": label,
            "place": [f"east/p{number % places}" for number in range(chips)],
            "fold": pd.array([pd.NA] * chips, dtype="Int64"),
            "good": np.clip(label * 0.6 + 0.2 + random.normal(0, 0.1, chips), 0, 1),
            "guess": random.uniform(0, 1, chips),
        }
    )


def scorer(chips: pd.DataFrame, column: str) -> Scorer:
    """Scores of one of the models."""
    return weighted_scores(chips["label"], chips[column], 0.5)


def hashes(rows: Sequence[Sequence[str]], bands: Sequence[str]) -> pd.DataFrame:
    """Chips told by the hash of each band."""
    names = [f"chip_{number}.tif" for number in range(len(rows))]
    return pd.DataFrame([(name, *row) for name, row in zip(names, rows, strict=True)], columns=["filename", *bands])


class _Never(Scorer):
    """A scorer that must not be asked."""

    def __call__(self, weights: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:  # noqa: ARG002
        raise AssertionError("Nothing is to be scored.")


never = _Never()
