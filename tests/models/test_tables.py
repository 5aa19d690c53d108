"""Models on the feature table: boosted trees and logistic regression."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.cross_validation import CrossValidation
from mining_the_mines.models.kinds import LabelledChips, ignore_epochs
from mining_the_mines.models.logistic import LogisticRegression
from mining_the_mines.models.tables import TableKind
from mining_the_mines.models.trees import BoostedTrees, tree_arrays
from support.feature_tables import FEWER_TREES, fitted, telling_table
from support.training_data import by_chip

KINDS: dict[str, TableKind] = {"trees": FEWER_TREES, "logistic": LogisticRegression()}


@pytest.fixture(scope="module", params=list(KINDS.values()), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> TableKind:
    """Each kind in turn."""
    chosen: TableKind = request.param
    return chosen


@pytest.fixture(scope="module")
def fit(kind: TableKind, tmp_path_factory: pytest.TempPathFactory) -> CrossValidation:
    """One fit that several tests look at."""
    return fitted(tmp_path_factory.mktemp("table"), kind)


def fit_fold(kind: TableKind, features: pd.DataFrame, folds: pd.DataFrame, fold: int = 1) -> pd.Series:
    data = LabelledChips(None, folds[folds["split"] == "train"], {}, features)  # type: ignore[arg-type] # no pixels
    fit = kind.fit(data, fold, Path(), ignore_epochs)
    return pd.Series(fit.probabilities, index=data.inside(fold)["filename"])


def test_learns(fit: CrossValidation) -> None:
    labels = telling_table()[1].set_index("filename").loc[by_chip(fit).index, "label"]
    assert roc_auc_score(labels, by_chip(fit)) > 0.9


def test_same_bits(kind: TableKind, fit: CrossValidation, tmp_path: Path) -> None:
    again = fitted(tmp_path, kind)
    pd.testing.assert_series_equal(by_chip(again), by_chip(fit), check_exact=True)
    pd.testing.assert_frame_equal(again.importances, fit.importances, check_exact=True)


def test_importances(fit: CrossValidation) -> None:
    assert fit.importances["feature"].iloc[0] == "B11"
    assert fit.importances["importance"].iloc[0] > 0.1
    assert set(fit.importances["feature"]) == {"B4", "B8", "B11", "ND_B4_B8", "ND_B8_B11"}


def test_without_embedding(kind: TableKind) -> None:
    features, folds = telling_table()
    telling = folds.set_index("filename").loc[features.index, "label"].to_numpy(dtype=float)
    wider = features.assign(embedding_0=telling, embedding_1=1 - telling)
    blind = kind.model_copy(update={"embedding": False})
    pd.testing.assert_series_equal(fit_fold(blind, wider, folds), fit_fold(kind, features, folds), check_exact=True)
    assert not fit_fold(kind, wider, folds).equals(fit_fold(kind, features, folds))
    with pytest.raises(BadInputError, match="has no features"):
        fit_fold(blind, wider[["embedding_0", "embedding_1"]], folds)


def test_no_leak_from_a_fold(kind: TableKind) -> None:
    features, folds = telling_table()
    given = fit_fold(kind, features, folds)
    chosen = folds["fold"] == 1
    folds.loc[chosen, "label"] = 1 - folds.loc[chosen, "label"]
    pd.testing.assert_series_equal(fit_fold(kind, features, folds), given, check_exact=True)


def test_no_leak_from_test_chips(kind: TableKind, fit: CrossValidation) -> None:
    features, folds = telling_table()
    test = folds["split"] == "test"
    assert not by_chip(fit).index.isin(folds.loc[test, "filename"]).any()
    given = fit_fold(kind, features, folds)
    features.loc[folds.loc[test, "filename"]] = 1e6
    pd.testing.assert_series_equal(fit_fold(kind, features, folds), given, check_exact=True)


def test_fold_of_one_class(kind: TableKind) -> None:
    features, folds = telling_table()
    folds.loc[folds["fold"] == 0, "label"] = 0
    data = LabelledChips(None, folds[folds["split"] == "train"], {}, features)  # type: ignore[arg-type] # no pixels
    assert np.isnan(list(kind.fit(data, 0, Path(), ignore_epochs).importances.values())).all()
    assert np.isfinite(list(kind.fit(data, 1, Path(), ignore_epochs).importances.values())).all()


def test_trees_equal_scikit_learn() -> None:
    random = np.random.default_rng(0)
    table, labels = random.normal(size=(200, 6)), random.integers(0, 2, 200)
    table[random.random(table.shape) < 0.1] = np.nan
    boosters = [HistGradientBoostingClassifier(max_iter=7, random_state=bag).fit(table, labels) for bag in range(3)]
    mean = np.mean([booster.decision_function(table) for booster in boosters], axis=0)
    found = BoostedTrees().table_module(tree_arrays(boosters))(torch.from_numpy(table)).numpy()
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-mean)), atol=1e-12)
