"""The baseline: gradient-boosted trees on the feature table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.core.threads import one_thread
from mining_the_mines.models.settings import BaselineSettings

#: Times that each family of features is shuffled.
SHUFFLES = 4
#: Rows that trees predict in one call: each call has to walk through all trees in Python.
ROWS_AT_ONCE = 4000


@dataclass(frozen=True)
class Baseline:
    """Boosters, one bag a fold.

    Attributes:
        features: Columns of the feature table, in order.
        bags: Boosters of each fold, in the order of the folds' names.
    """

    features: tuple[str, ...]
    bags: tuple[tuple[HistGradientBoostingClassifier, ...], ...]

    def predict(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Mean probability of a mine over all bags, ``(len(features),)``."""
        values = features.loc[:, list(self.features)].to_numpy(dtype=np.float64)
        with one_thread():
            mean: NDArray[np.float64] = np.mean([bag_probability(bag, values) for bag in self.bags], axis=0)
        return mean


@dataclass(frozen=True)
class BaselineFit:
    """What comes out of fitting the baseline.

    Attributes:
        baseline: The boosters.
        probabilities: Out-of-fold probability per chip, indexed by file name.
        importances: Columns ``feature``, ``importance``, ``deviation``: loss of out-of-fold ROC AUC when all
            statistics of a band or index are shuffled together. Shuffled one by one they would stand in for each
            other, and all look useless (L. Breiman, "Random forests", Machine Learning 45, 2001, on shuffling).
    """

    baseline: Baseline
    probabilities: "pd.Series[float]"
    importances: pd.DataFrame


def fit_baseline(
    features: pd.DataFrame, folds: pd.DataFrame, settings: BaselineSettings, progress: Progress = silent
) -> BaselineFit:
    """Fit a bag for each fold on all others and predict the fold's chips with it.

    Args:
        features: One row a chip, indexed by file name.
        folds: Columns ``filename``, ``label``, ``place``, ``split`` and ``fold``.
        settings: How to fit.
        progress: Shows how far it has come.
    """
    training = folds[folds["split"] == "train"].set_index("filename")
    table = features.loc[training.index]
    values = table.to_numpy(dtype=np.float64)
    labels = training["label"].to_numpy(dtype=np.int64)
    assignment = training["fold"].to_numpy(dtype=np.int64)
    places = training["place"].to_numpy(dtype=str)
    probabilities = pd.Series(np.nan, index=training.index, name="probability")
    families = _families(list(table.columns))
    bags, losses = [], []
    with one_thread():
        for fold in progress(np.unique(assignment), "fitting the baseline"):
            held_out, others = assignment == fold, assignment != fold
            random = np.random.default_rng([settings.seed, int(fold)])
            bag = _fit_bag(values[others], labels[others], places[others], settings, random)
            probabilities[held_out] = bag_probability(bag, values[held_out])
            losses.append(_shuffling_losses(bag, values[held_out], labels[held_out], families, random))
            bags.append(bag)
    return BaselineFit(
        Baseline(tuple(map(str, table.columns)), tuple(bags)),
        probabilities,
        _importance_table(families, np.array(losses)),
    )


def bag_probability(bag: Sequence[HistGradientBoostingClassifier], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of a mine: the mean log-odds of the boosters of a bag."""
    log_odds = np.stack([booster.decision_function(values) for booster in bag]).mean(axis=0)
    probability: NDArray[np.float64] = expit(log_odds)
    return probability


def _fit_bag(
    values: NDArray[np.float64],
    labels: NDArray[np.int64],
    places: NDArray[np.str_],
    settings: BaselineSettings,
    random: np.random.Generator,
) -> tuple[HistGradientBoostingClassifier, ...]:
    # A feature that no chip has a value of (an index without data, say) can't be binned; as a constant it does no harm.
    values = np.where(np.isnan(values).all(axis=0), 0.0, values)
    boosters = []
    for _ in range(settings.bag):
        weights = np.ones(len(labels)) if settings.bag == 1 else _weigh_places(places, random)
        booster = HistGradientBoostingClassifier(
            learning_rate=settings.learning_rate,
            max_iter=settings.iterations,
            max_leaf_nodes=settings.max_leaf_nodes,
            min_samples_leaf=settings.min_samples_leaf,
            l2_regularization=settings.l2,
            max_features=settings.max_features,
            max_bins=settings.max_bins,
            early_stopping=False,
            class_weight="balanced",
            random_state=int(random.integers(2**31)),
        )
        boosters.append(booster.fit(values, labels, sample_weight=weights))
    return tuple(boosters)


def _weigh_places(places: NDArray[np.str_], random: np.random.Generator) -> NDArray[np.float64]:
    """Weights of a bootstrap that draws whole places; none is quite 0, so that both classes stay in.

    The number of times that a place is drawn is Poisson distributed (N. Oza, S. Russell, "Online bagging and boosting",
    AISTATS 2001).
    """
    names, positions = np.unique(places, return_inverse=True)
    drawn = random.poisson(1.0, len(names)).astype(np.float64)
    return drawn[positions] + 1e-3


def _families(columns: Sequence[str]) -> dict[str, list[int]]:
    """Positions of the statistics of the same band or index: all of the name but the part after the last underscore."""
    families: dict[str, list[int]] = {}
    for position, column in enumerate(columns):
        families.setdefault(str(column).rsplit("_", 1)[0], []).append(position)
    return families


def _shuffling_losses(
    bag: Sequence[HistGradientBoostingClassifier],
    values: NDArray[np.float64],
    labels: NDArray[np.int64],
    families: dict[str, list[int]],
    random: np.random.Generator,
) -> list[float]:
    """Loss of ROC AUC for each family; NaN where the fold holds one class."""
    if len(np.unique(labels)) < 2:
        return [float("nan")] * len(families)
    score = roc_auc_score(labels, bag_probability(bag, values))
    at_once = max(1, ROWS_AT_ONCE // (SHUFFLES * len(values)))
    groups = list(families.values())
    losses = []
    for start in range(0, len(groups), at_once):
        chunk = groups[start : start + at_once]
        copies = np.repeat(values[None], SHUFFLES * len(chunk), axis=0)
        for number, copy in enumerate(copies):
            positions = chunk[number // SHUFFLES]
            copy[:, positions] = copy[random.permutation(len(copy))][:, positions]
        shuffled = bag_probability(bag, copies.reshape(-1, values.shape[1])).reshape(len(chunk), SHUFFLES, -1)
        losses += [score - float(np.mean([roc_auc_score(labels, row) for row in rows])) for rows in shuffled]
    return losses


def _importance_table(families: dict[str, list[int]], losses: NDArray[np.float64]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "feature": list(families),
            "importance": np.nanmean(losses, axis=0),
            "deviation": np.nanstd(losses, axis=0),
        }
    )
    return table.sort_values("importance", ascending=False, ignore_index=True)
