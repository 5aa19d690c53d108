"""The plain sentences say what the tables say, and no more."""

import dataclasses

import pandas as pd
import pytest

from mining_the_mines.reporting import ClassificationData
from mining_the_mines.reporting.classification_summary import Answer
from mining_the_mines.reporting.classification_summary import answer as answer_at


def answer(detection: ClassificationData) -> Answer:
    return answer_at(detection, 0.95)


def with_difference(detection: ClassificationData, value: float, low: float, high: float) -> str:
    row = ("out-of-fold", "blend", "baseline", "roc_auc", value, low, high)
    table = pd.DataFrame([row], columns=["split", "model", "rival", "metric", "value", "low", "high"])
    return " ".join(answer(dataclasses.replace(detection, difference_table=table)).sentences)


def test_an_advantage_whose_interval_leaves_out_0_is_more_than_chance(detection: ClassificationData) -> None:
    assert "0.030 above the baseline's (difference 0.010 to 0.050): this is more than" in with_difference(
        detection, 0.03, 0.01, 0.05
    )


def test_an_advantage_whose_interval_holds_0_may_be_chance(detection: ClassificationData) -> None:
    assert "0.010 below the baseline's (difference -0.040 to 0.020): this may be chance" in with_difference(
        detection, -0.01, -0.04, 0.02
    )


def test_the_baseline_is_not_compared_with_itself(detection: ClassificationData) -> None:
    sentences = answer(dataclasses.replace(detection, chosen_model="baseline")).sentences
    assert not [sentence for sentence in sentences if "Out of fold its" in sentence]


def test_few_places_are_named_as_a_limit(detection: ClassificationData) -> None:
    assert any("to resample" in caveat for caveat in answer(detection).caveats)


def test_the_category_of_most_false_alarms_is_named(detection: ClassificationData) -> None:
    rows = [
        ("test", "blend", "river_bank", 0, 4, 20),
        ("test", "blend", "town", 0, 1, 9),
        ("test", "blend", "mine", 1, 8, 9),
    ]
    table = pd.DataFrame(rows, columns=["split", "model", "category", "label", "wrong", "chips"])
    sentence = answer(dataclasses.replace(detection, category_table=table)).sentences[-1]
    assert sentence == "Of its 5 false alarms, 4 lie in the category river bank (20 chips)."


def test_without_false_alarms_no_category_is_blamed(detection: ClassificationData) -> None:
    table = pd.DataFrame({"split": ["test"], "model": "blend", "category": "town", "label": 0, "wrong": 0, "chips": 3})
    sentences = answer(dataclasses.replace(detection, category_table=table)).sentences
    assert not [text for text in sentences if "false alarm" in text]


@pytest.mark.parametrize(("error", "advice"), [(0.02, "as they stand"), (0.2, "as a ranking")])
def test_advice_on_probabilities_follows_the_calibration_error(
    detection: ClassificationData, error: float, advice: str
) -> None:
    table = detection.score_table.copy()
    table.loc[table["metric"] == "expected_calibration_error", "value"] = error
    sentences = answer(dataclasses.replace(detection, score_table=table)).sentences
    assert any(f"{100 * error:.0f} percentage points" in text and advice in text for text in sentences)


def test_an_unscored_model_is_said_to_be_so(detection: ClassificationData) -> None:
    assert answer(dataclasses.replace(detection, chosen_model="maxvit2")).lead == "There are no scores of maxvit2."
