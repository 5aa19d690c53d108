"""Nodes of evaluation. torch is imported by the node that predicts with it."""

import logging
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.tables import choose_model, difference_table, score_table, scores_by_category
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_thresholds

logger = logging.getLogger(__name__)

MODELS = ("baseline", "network", "blend")


class EvaluationSettings(BaseModel):
    """How models are scored and chosen.

    Attributes:
        threshold: What the threshold is for.
        bootstrap: How intervals are drawn.
        choose_by: Out-of-fold metric by which the model is chosen.
        batch_size: Chips that are predicted at a time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: ThresholdSettings = ThresholdSettings()
    bootstrap: BootstrapSettings = BootstrapSettings()
    choose_by: Literal["roc_auc", "average_precision", "f1", "balanced_accuracy"] = "roc_auc"
    batch_size: int = 32


def predict_test_chips(
    packed_chips: PackedChips,
    features: pd.DataFrame,
    folds: pd.DataFrame,
    baseline: Any,  # noqa: ANN401 - a Baseline; its module loads scikit-learn
    network: Any,  # noqa: ANN401 - a StoredEnsemble; its module loads torch
    blend: dict[str, Any],
    evaluation: EvaluationSettings,
) -> pd.DataFrame:
    """Predict the test split, which nothing has looked at before, with every model.

    Args:
        packed_chips: The chips.
        features: Their features.
        folds: Tells the test chips.
        baseline: Boosted trees of all folds.
        network: Networks of all folds.
        blend: Weights of both.
        evaluation: Batch size.

    Returns:
        Columns ``filename``, ``baseline``, ``network`` and ``blend``; no rows if there is no test split.
    """
    from mining_the_mines.models.blend import Blend
    from mining_the_mines.models.prediction import predict_packed

    filenames = folds.loc[folds["split"] == "test", "filename"].tolist()
    if not filenames:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in ("filename", *MODELS)})
    probabilities = {
        "baseline": baseline.predict(features.loc[filenames]),
        "network": predict_packed(network.ensemble, packed_chips, filenames, evaluation.batch_size),
    }
    probabilities["blend"] = Blend(**blend).predict(probabilities)
    return pd.DataFrame({"filename": filenames, **probabilities})


def gather_predictions(
    folds: pd.DataFrame,
    baseline_probabilities: pd.DataFrame,
    network_probabilities: pd.DataFrame,
    blend_probabilities: pd.DataFrame,
    test_probabilities: pd.DataFrame,
) -> pd.DataFrame:
    """Put the out-of-fold and test predictions of all models into one table, beside truth, place and category."""
    parts = [
        table[["filename", "probability"]].assign(model=model)
        for model, table in zip(
            MODELS, (baseline_probabilities, network_probabilities, blend_probabilities), strict=True
        )
    ]
    test = test_probabilities.melt("filename", var_name="model", value_name="probability")
    gathered = pd.concat([*parts, test] if len(test) else parts, ignore_index=True)
    return gathered.merge(folds, on="filename", validate="many_to_one")


def score_models(
    predictions: pd.DataFrame, evaluation: EvaluationSettings
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Choose thresholds and the best model on out-of-fold predictions, and score every model on both splits.

    Args:
        predictions: Of all models.
        evaluation: How to score and choose.

    Returns:
        The decision (chosen model and thresholds), scores with intervals, scores by category, and paired differences
        between models.
    """
    thresholds = choose_thresholds(predictions, evaluation.threshold)
    scores = score_table(predictions, thresholds, evaluation.bootstrap)
    chosen = choose_model(scores, evaluation.choose_by)
    decision = {"chosen": chosen, "chosen_by": evaluation.choose_by, "thresholds": thresholds}
    summary = "; ".join(_summary(scores, chosen, split) for split in scores["split"].unique())
    logger.info("The chosen model is the %s: %s.", chosen, summary)
    return (
        decision,
        scores,
        scores_by_category(predictions, thresholds, evaluation.bootstrap),
        difference_table(predictions, thresholds, evaluation.bootstrap),
    )


def complete_classifier(
    baseline: Any,  # noqa: ANN401
    network: Any,  # noqa: ANN401
    blend: dict[str, Any],
    decision: dict[str, Any],
    packed_chips: PackedChips,
    chips: ChipSettings,
    features: FeatureSettings,
) -> Any:  # noqa: ANN401 - a MineClassifier; its module loads torch
    """Join all parts and the threshold into one classifier: raw reflectance in, decision out."""
    from mining_the_mines.models.blend import Blend
    from mining_the_mines.models.mine_classifier import MineClassifier

    network.ensemble.threshold.fill_(decision["thresholds"]["network"])
    return MineClassifier(
        chosen=decision["chosen"],
        threshold=decision["thresholds"][decision["chosen"]],
        chips=chips.model_copy(update={"size": packed_chips.array.shape[-1]}),
        features=features,
        baseline=baseline,
        network=network,
        blend=Blend(**blend),
    )


def _summary(scores: pd.DataFrame, chosen: str, split: str) -> str:
    rows = scores[(scores["model"] == chosen) & (scores["split"] == split) & scores["category_excluded"].isna()]
    figures = rows.set_index("metric")
    shown = []
    for name, metric in (("F1", "f1"), ("AUC", "roc_auc")):
        value, low, high = (float(figures[column][metric]) for column in ("value", "low", "high"))
        shown.append(f"{name} {value:.3f} ({low:.3f}–{high:.3f})")
    return f"{split} {', '.join(shown)}"
