"""Nodes of evaluation. torch is imported by the node that predicts with it."""

import logging
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.complete import MineClassifier
from mining_the_mines.models.kinds import BLEND, TrainedModel
from mining_the_mines.models.novelty import fit_novelty
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.calibration import calibrate_at_home
from mining_the_mines.scoring.metrics import METRICS, MetricName
from mining_the_mines.scoring.tables import (
    choose_model,
    difference_table,
    intervals_of,
    score_table,
    scores_by_category,
    select_scores,
)
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_thresholds

logger = logging.getLogger(__name__)


class EvaluationSettings(BaseModel):
    """How models are scored and chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: ThresholdSettings = Field(ThresholdSettings(), description="How the threshold of a chip is chosen.")
    bootstrap: BootstrapSettings = Field(BootstrapSettings(), description="How intervals are drawn.")
    choose_by: MetricName = Field(
        "roc_auc", description=f"Out-of-fold metric by which the model is chosen: one of {', '.join(METRICS)}."
    )
    batch_size: int = Field(32, ge=1, description="Chips predicted at a time.")


def predict_test_chips(
    packed_chips: PackedChips,
    folds: pd.DataFrame,
    models: dict[str, TrainedModel],
    blend: dict[str, Any],
    evaluation: EvaluationSettings,
) -> pd.DataFrame:
    """Predict the test split, which nothing has looked at before, with every model.

    Args:
        packed_chips: The chips.
        folds: Tells the test chips.
        models: The trained models by name.
        blend: Weights of the models.
        evaluation: Batch size.

    Returns:
        Column ``filename``, a column per model and ``blend``; no rows if there is no test split.
    """
    from mining_the_mines.models.ensemble import predict_packed

    filenames = folds.loc[folds["split"] == "test", "filename"].tolist()
    if not filenames:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in ("filename", *models, BLEND)})
    probabilities = {
        name: predict_packed(model.module, packed_chips, filenames, evaluation.batch_size)
        for name, model in models.items()
    }
    probabilities[BLEND] = Blend(**blend).predict(probabilities)
    return pd.DataFrame({"filename": filenames, **probabilities})


def gather_predictions(
    folds: pd.DataFrame,
    probabilities: pd.DataFrame,
    blend_probabilities: pd.DataFrame,
    test_probabilities: pd.DataFrame,
) -> pd.DataFrame:
    """Join the out-of-fold and test predictions of all models with truth, place and category.

    Args:
        folds: One row per chip.
        probabilities: Out of fold; ``filename`` and a column per model.
        blend_probabilities: Out of fold; ``filename`` and ``probability``.
        test_probabilities: ``filename``, a column per model and ``blend``.

    Returns:
        One row per chip and model: ``filename``, ``model``, ``probability`` and the columns of ``folds``.
    """
    blended = blend_probabilities.rename(columns={"probability": BLEND})
    tables = [probabilities.merge(blended, on="filename", validate="one_to_one"), test_probabilities]
    parts = [table.melt("filename", var_name="model", value_name="probability") for table in tables if len(table)]
    return pd.concat(parts, ignore_index=True).merge(folds, on="filename", validate="many_to_one")


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
    logger.info("The chosen model is %s: %s.", chosen, summary)
    return (
        decision,
        scores,
        scores_by_category(predictions, thresholds, evaluation.bootstrap),
        difference_table(predictions, thresholds, evaluation.bootstrap),
    )


def complete_classifier(
    models: dict[str, TrainedModel],
    blend: dict[str, Any],
    decision: dict[str, Any],
    packed_chips: PackedChips,
    chips: ChipSettings,
    predictions: pd.DataFrame,
    folds: pd.DataFrame,
) -> MineClassifier:
    """Join models, threshold and what describes the training chips to a complete classifier.

    Args:
        models: The trained models by name.
        blend: Weights of the models.
        decision: Chosen model and its threshold.
        packed_chips: The chips.
        chips: How chips are read.
        predictions: Of all models; the out-of-fold ones of the chosen model calibrate it.
        folds: Tells the training chips, from which novelty is measured.

    Returns:
        Raw reflectance in, decision out.
    """
    own = predictions[(predictions["model"] == decision["chosen"]) & predictions["fold"].notna()]
    return MineClassifier(
        chosen=decision["chosen"],
        threshold=decision["thresholds"][decision["chosen"]],
        chips=chips.model_copy(update={"size": packed_chips.array.shape[-1]}),
        models=models,
        blend=Blend(**blend),
        home=calibrate_at_home(own["probability"].to_numpy(), own["label"].to_numpy(dtype=np.int64)),
        novelty=fit_novelty(packed_chips, folds),
    )


def _summary(scores: pd.DataFrame, chosen: str, split: str) -> str:
    figures = intervals_of(select_scores(scores, split, chosen))
    named = (("F1", figures["f1"]), ("AUC", figures["roc_auc"]))
    return f"{split} " + ", ".join(f"{name} {value:.3f} ({low:.3f}–{high:.3f})" for name, (value, low, high) in named)
