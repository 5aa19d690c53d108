"""The summary of the classifiers agrees with their tables."""

import dataclasses

import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer

from mining_the_mines.reporting.classification_part import (
    ClassificationData,
    arrange_classification,
    learning_figures,
    summarise_classification,
)
from mining_the_mines.reporting.figures import importance_figure
from support.report_pages import summary
from support.reports import make_importances, make_learning_curves


def told(data: ClassificationData, **changes: object) -> list[str]:
    return summary("classification", summarise_classification(dataclasses.replace(data, **changes)), 0.95)  # type: ignore[arg-type]


def difference(value: float, low: float, high: float) -> pd.DataFrame:
    row = ("out-of-fold", "blend", "trees", "roc_auc", value, low, high)
    return pd.DataFrame([row], columns=["split", "model", "rival", "metric", "value", "low", "high"])


def test_importances_and_learning_curves_are_one_picture_a_model(classification: ClassificationData) -> None:
    importances = make_importances(("trees", "logistic"))
    part = arrange_classification(dataclasses.replace(classification, importances=importances))
    assert [title for title, _ in part["importances"]] == ["Trees", "Logistic"]
    assert [title for title, _ in part["learning"]] == ["Loss", "ROC AUC"]


def test_importances_have_error_bars() -> None:
    importances = make_importances(("trees", "logistic"))
    first = importances[importances["model"] == "trees"]
    bars = importance_figure(first, most=5).axes[0].containers
    (errors,) = [container for container in bars if isinstance(container, ErrorbarContainer)]
    spans = [span[1, 0] - span[0, 0] for span in errors.lines[2][0].get_segments()]
    assert sorted(spans) == pytest.approx(sorted(2 * first["deviation"].head(5)))


def test_learning_curves_of_two_networks_are_kept_apart() -> None:
    curves = pd.concat([make_learning_curves(2, 3, model) for model in ("maxvit", "small")], ignore_index=True)
    titles = [title for title, _ in learning_figures(curves, "learning")]
    assert titles == ["Loss, MaxViT", "ROC AUC, MaxViT", "Loss, Small", "ROC AUC, Small"]


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (
            (0.03, 0.01, 0.05),
            "0.030 above that of the tree ensemble (difference 0.010 to 0.050): this is more than chance",
        ),
        (
            (-0.01, -0.04, 0.02),
            "0.010 below that of the tree ensemble (difference -0.040 to 0.020): this may be chance",
        ),
    ],
)
def test_difference_to_the_first_model(
    classification: ClassificationData, interval: tuple[float, float, float], words: str
) -> None:
    assert words in " ".join(told(classification, difference_table=difference(*interval)))


@pytest.mark.parametrize(
    ("wrong", "last"),
    [((4, 1), "Of its 5 false alarms, 4 lie in the category river bank (20 chips)."), ((0, 0), None)],
)
def test_category_of_most_false_alarms(
    classification: ClassificationData, wrong: tuple[int, int], last: str | None
) -> None:
    rows = [
        ("test", "blend", "river_bank", 0, wrong[0], 20),
        ("test", "blend", "town", 0, wrong[1], 9),
        ("test", "blend", "mine", 1, 8, 9),
    ]
    table = pd.DataFrame(rows, columns=["split", "model", "category", "label", "wrong", "chips"])
    found = [text for text in told(classification, category_table=table) if "false alarm" in text]
    assert found == ([last] if last else [])


@pytest.mark.parametrize(("error", "advice"), [(0.02, "as they stand"), (0.2, "as a ranking")])
def test_advice_on_probabilities(classification: ClassificationData, error: float, advice: str) -> None:
    table = classification.score_table.copy()
    table.loc[table["metric"] == "expected_calibration_error", "value"] = error
    found = told(classification, score_table=table)
    assert any(f"{100 * error:.0f} percentage points" in text and advice in text for text in found)


def test_unscored_model(classification: ClassificationData) -> None:
    assert told(classification, chosen_model="maxvit2") == ["There are no scores of the maxvit2."]
