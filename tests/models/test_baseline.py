"""Boosted trees on features."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mining_the_mines.models.baseline import BaselineFit, fit_baseline
from support.feature_tables import FEWER_TREES, fitted, telling_table


@pytest.fixture(scope="module")
def fit() -> BaselineFit:
    """One fit that several tests look at."""
    return fitted()


def test_what_tells_mines_is_learnt(fit: BaselineFit) -> None:
    labels = telling_table()[1].set_index("filename").loc[fit.probabilities.index, "label"]
    assert roc_auc_score(labels, fit.probabilities) > 0.9


def test_the_same_seed_gives_the_same_trees(fit: BaselineFit) -> None:
    again = fitted()
    pd.testing.assert_series_equal(again.probabilities, fit.probabilities, check_exact=True)
    pd.testing.assert_frame_equal(again.importances, fit.importances, check_exact=True)


def test_another_seed_gives_other_trees(fit: BaselineFit) -> None:
    other = fitted(settings=FEWER_TREES.model_copy(update={"seed": 1}))
    assert not np.array_equal(other.probabilities, fit.probabilities)


def test_the_telling_band_is_the_most_important(fit: BaselineFit) -> None:
    assert fit.importances["feature"].iloc[0] == "B11"
    assert fit.importances["importance"].iloc[0] > 0.1


def test_each_band_and_index_has_an_importance_of_its_own(fit: BaselineFit) -> None:
    assert set(fit.importances["feature"]) == {"B4", "B8", "B11", "ND_B4_B8", "ND_B8_B11"}


def test_the_labels_of_a_fold_never_reach_the_trees_that_predict_it(fit: BaselineFit) -> None:
    features, folds = telling_table()
    chosen = folds["fold"] == 1
    folds.loc[chosen, "label"] = 1 - folds.loc[chosen, "label"]
    flipped = fit_baseline(features, folds, FEWER_TREES).probabilities
    names = folds.loc[chosen, "filename"]
    pd.testing.assert_series_equal(flipped[names], fit.probabilities[names], check_exact=True)


def test_test_chips_are_neither_learnt_from_nor_predicted(fit: BaselineFit) -> None:
    features, folds = telling_table()
    test = folds.loc[folds["split"] == "test", "filename"]
    assert not fit.probabilities.index.isin(test).any()
    features.loc[test] = 1e6
    folds.loc[folds["split"] == "test", "label"] = 0
    again = fit_baseline(features, folds, FEWER_TREES).probabilities
    pd.testing.assert_series_equal(again, fit.probabilities, check_exact=True)


def test_new_chips_are_predicted_whatever_the_order_of_the_columns(fit: BaselineFit) -> None:
    features, folds = telling_table()
    test = folds[folds["split"] == "test"]
    table = features.loc[test["filename"]]
    probabilities = fit.baseline.predict(table)
    assert np.array_equal(fit.baseline.predict(table[table.columns[::-1]]), probabilities)
    assert roc_auc_score(test["label"], probabilities) > 0.8


def test_a_bag_of_one_sees_every_chip_alike() -> None:
    single = fitted(settings=FEWER_TREES.model_copy(update={"bag": 1}))
    assert single.probabilities.between(0, 1).all()
    assert all(len(bag) == 1 for bag in single.baseline.bags)


def test_a_fold_of_one_class_leaves_the_importances_to_the_others() -> None:
    features, folds = telling_table()
    folds.loc[folds["fold"] == 0, "label"] = 0
    importances = fit_baseline(features, folds, FEWER_TREES).importances
    assert importances["importance"].notna().all()
