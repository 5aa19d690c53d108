"""Score tables hold every model, split and category."""

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.metrics import CONFUSION, METRICS, score
from mining_the_mines.scoring.tables import choose_model, difference_table, score_table, scores_by_category
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_thresholds
from support.predictions import make_table

FEW = BootstrapSettings(resamples=50)


@pytest.fixture(scope="module")
def predictions() -> pd.DataFrame:
    return make_table(24)


@pytest.fixture(scope="module")
def thresholds(predictions: pd.DataFrame) -> dict[str, float]:
    return choose_thresholds(predictions, ThresholdSettings())


@pytest.fixture(scope="module")
def table(predictions: pd.DataFrame, thresholds: dict[str, float]) -> pd.DataFrame:
    return score_table(predictions, thresholds, FEW)


def test_all_models_splits_and_metrics(table: pd.DataFrame) -> None:
    whole = table[table["category_excluded"].isna()]
    found = whole.groupby(["split", "model"])["metric"].agg(set)
    assert set(found.index) == {(s, m) for s in ("out-of-fold", "test") for m in ("trees", "blend")}
    assert all(metrics == {*METRICS, *CONFUSION} for metrics in found)


def test_test_split_uses_the_out_of_fold_threshold(
    predictions: pd.DataFrame, thresholds: dict[str, float], table: pd.DataFrame
) -> None:
    chips = predictions[predictions["fold"].isna() & (predictions["model"] == "blend")]
    expected = score(chips["label"], chips["probability"], thresholds["blend"])
    rows = table[(table["split"] == "test") & (table["model"] == "blend") & table["category_excluded"].isna()]
    found = rows.set_index("metric")["value"]
    assert found.to_dict() == pytest.approx(expected)


def test_auc_without_a_category(predictions: pd.DataFrame, table: pd.DataFrame) -> None:
    rest = predictions[
        predictions["fold"].notna() & (predictions["model"] == "blend") & (predictions["category"] != "forest")
    ]
    row = table.query(
        "split == 'out-of-fold' and model == 'blend' and category_excluded == 'forest' and metric == 'roc_auc'"
    )
    assert row["value"].item() == pytest.approx(score(rest["label"], rest["probability"], 0.5)["roc_auc"])
    assert row["chips"].item() == len(rest)
    assert set(table["category_excluded"].dropna()) == {"forest", "river"}


def test_no_categories(predictions: pd.DataFrame, thresholds: dict[str, float]) -> None:
    plain = predictions.drop(columns="category")
    assert score_table(plain, thresholds, FEW)["category_excluded"].isna().all()
    assert scores_by_category(plain, thresholds, FEW).empty


def test_model_without_threshold_is_refused(predictions: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no threshold for the model blend"):
        score_table(predictions, {"trees": 0.5}, FEW)


def test_category_metrics(predictions: pd.DataFrame, thresholds: dict[str, float]) -> None:
    table = scores_by_category(predictions, thresholds, FEW)
    assert set(zip(table["category"], table["metric"], strict=True)) == {
        ("mine", "recall"),
        ("forest", "specificity"),
        ("river", "specificity"),
    }
    assert np.isclose(table["value"], 1 - table["wrong"] / table["chips"]).all()


def test_difference_on_common_chips(predictions: pd.DataFrame, thresholds: dict[str, float]) -> None:
    some = predictions.drop(predictions[predictions["model"] == "trees"].index[:3])
    table = difference_table(some, thresholds, FEW)
    assert set(zip(table["model"], table["rival"], strict=True)) == {("blend", "trees")}
    assert table["chips"].max() == some[some["fold"].notna()]["model"].value_counts()["trees"]
    assert table.query("split == 'out-of-fold' and metric == 'roc_auc'")["low"].item() > 0


def test_difference_without_common_chips(predictions: pd.DataFrame, thresholds: dict[str, float]) -> None:
    first = (predictions["model"] == "trees") & (predictions["filename"] < "chip_5")
    second = (predictions["model"] == "blend") & (predictions["filename"] >= "chip_5")
    assert difference_table(predictions[first | second], thresholds, FEW).empty


def test_model_is_chosen_out_of_fold(table: pd.DataFrame) -> None:
    turned = table.copy()
    turned.loc[(turned["split"] == "test") & (turned["model"] == "trees"), "value"] = 2.0
    assert choose_model(turned, "roc_auc") == "blend"
    assert choose_model(turned, "log_loss") == "blend"


def test_unknown_metric_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="roc_auc"):
        choose_model(table, "beauty")
