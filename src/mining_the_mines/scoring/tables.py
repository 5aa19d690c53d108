"""Tables of scores with intervals, of every model, out of fold and on the test split."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from mining_the_mines.scoring.bootstrap import (
    BootstrapSettings,
    Interval,
    bootstrap_intervals,
    paired_difference,
)
from mining_the_mines.scoring.metrics import (
    CONFUSION,
    LOWER_IS_BETTER,
    METRICS,
    RANKING_METRICS,
    score,
    weighted_scores,
)

OUT_OF_FOLD = "out-of-fold"
TEST = "test"
#: Name of the segmenter, as of a model.
SEGMENTER = "segmenter"

SCORE_COLUMNS = ("split", "model", "category_excluded", "metric", "value", "low", "high", "chips", "places")
CATEGORY_COLUMNS = (
    "split", "model", "category", "label", "metric", "value", "low", "high",
    "wrong", "mean_probability", "chips", "places",
)  # fmt: skip
DIFFERENCE_COLUMNS = ("split", "model", "rival", "metric", "value", "low", "high", "chips", "places")


def split_predictions(predictions: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the out-of-fold and the test predictions, each if there are any.

    Args:
        predictions: Table with ``fold``, missing for test chips.

    Yields:
        Name of the split and its rows.
    """
    is_test = predictions["fold"].isna()
    for name, rows in ((OUT_OF_FOLD, predictions[~is_test]), (TEST, predictions[is_test])):
        if not rows.empty:
            yield name, rows


def select_scores(table: pd.DataFrame, split: str, model: str | None = None) -> pd.DataFrame:
    """Select the rows of a score table that are about all chips of a split.

    Args:
        table: From :func:`score_table`.
        split: ``test`` or ``out-of-fold``.
        model: One model, or all.
    """
    rows = table[(table["split"] == split) & table["category_excluded"].isna()]
    return rows if model is None else rows[rows["model"] == model]


def intervals_of(rows: pd.DataFrame) -> dict[str, Interval]:
    """Read the intervals by metric from rows of one split and model."""
    columns = ["metric", *Interval._fields]
    return {
        str(metric): Interval(*map(float, ends)) for metric, *ends in rows[columns].itertuples(index=False, name=None)
    }


def _by_model(predictions: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    for split, rows in split_predictions(predictions):
        for model, chips in rows.groupby("model", sort=False):
            yield split, str(model), chips


def _threshold(thresholds: Mapping[str, float], model: str) -> float:
    if model not in thresholds:
        raise ValueError(
            f"There is no threshold for the model {model}: choose one from its out-of-fold predictions first."
        )
    return thresholds[model]


def _negative_categories(predictions: pd.DataFrame) -> list[str]:
    """List the categories of chips without a mine, in alphabetical order."""
    if "category" not in predictions:
        return []
    return sorted(predictions.loc[predictions["label"] == 0, "category"].dropna().astype(str).unique())


def _figures(
    chips: pd.DataFrame, threshold: float, names: tuple[str, ...], settings: BootstrapSettings
) -> dict[str, Interval]:
    scorer = weighted_scores(chips["label"], chips["probability"], threshold, names)
    return bootstrap_intervals(scorer, chips["place"], settings)


def score_table(
    predictions: pd.DataFrame, thresholds: Mapping[str, float], settings: BootstrapSettings
) -> pd.DataFrame:
    """Score each model out of fold and on the test split.

    Args:
        predictions: One row per chip and model: ``filename``, ``label`` (0 or 1), ``place``, ``fold``
            (missing for test chips), ``model``, ``probability`` and, if known, ``category``.
        thresholds: Threshold by model, chosen from out-of-fold predictions.
        settings: How intervals are drawn.

    Returns:
        Long table: ``split``, ``model``, ``category_excluded`` (missing for all chips; else the
        category of chips without a mine that was left out, for ranking metrics only), ``metric``,
        ``value``, ``low``, ``high``, ``chips``, ``places``. Confusion counts have no interval.

    Raises:
        ValueError: If a model has no threshold, a chip no place, or the predictions can't be
            scored.
    """
    rows: list[tuple[object, ...]] = []
    for split, model, chips in _by_model(predictions):
        threshold = _threshold(thresholds, model)
        figures = _figures(chips, threshold, METRICS, settings)
        counts = score(chips["label"], chips["probability"], threshold)
        figures |= {name: Interval(counts[name], np.nan, np.nan) for name in CONFUSION}
        size = (len(chips), chips["place"].nunique())
        rows += [(split, model, pd.NA, name, *interval, *size) for name, interval in figures.items()]
        for category in _negative_categories(chips):
            rest = chips[~((chips["label"] == 0) & (chips["category"].astype("string") == category).fillna(False))]
            size = (len(rest), rest["place"].nunique())
            figures = _figures(rest, threshold, RANKING_METRICS, settings) if len(rest) else {}
            rows += [(split, model, category, name, *interval, *size) for name, interval in figures.items()]
    table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    return table.astype({"category_excluded": "string"})


def scores_by_category(
    predictions: pd.DataFrame, thresholds: Mapping[str, float], settings: BootstrapSettings
) -> pd.DataFrame:
    """Score each category: the share of right decisions.

    Args:
        predictions: As for :func:`score_table`.
        thresholds: Threshold by model.
        settings: How intervals are drawn.

    Returns:
        One row per split, model, category and label: ``metric`` is ``recall`` for mines and
        ``specificity`` for the rest, with ``value``, ``low``, ``high``; ``wrong`` (chips decided
        wrongly), ``mean_probability``, ``chips``, ``places``. Empty if chips carry no category.

    Raises:
        ValueError: If a model has no threshold or a chip no place.
    """
    rows = []
    if "category" in predictions:
        for split, model, chips in _by_model(predictions):
            for (category, label), members in chips.groupby(["category", "label"], observed=True):
                threshold, is_mine = _threshold(thresholds, model), bool(label)
                name = "recall" if is_mine else "specificity"
                figure = _figures(members, threshold, (name,), settings)[name]
                wrong = int(((members["probability"] >= threshold) != is_mine).sum())
                mean, size = float(members["probability"].mean()), (len(members), members["place"].nunique())
                rows.append((split, model, str(category), int(is_mine), name, *figure, wrong, mean, *size))
    return pd.DataFrame(rows, columns=list(CATEGORY_COLUMNS))


def difference_table(
    predictions: pd.DataFrame, thresholds: Mapping[str, float], settings: BootstrapSettings
) -> pd.DataFrame:
    """Compare every two models on the chips that both have predicted, on the same resamples.

    Args:
        predictions: As for :func:`score_table`.
        thresholds: Threshold by model.
        settings: How intervals are drawn.

    Returns:
        Long table: ``split``, ``model``, ``rival``, ``metric``, ``value`` (model minus rival),
        ``low``, ``high``, ``chips``, ``places``.

    Raises:
        ValueError: If a model has no threshold or a chip no place.
    """
    rows = []
    for split, chips in split_predictions(predictions):
        models = [str(model) for model in chips["model"].unique()]
        for index, model in enumerate(models):
            for rival in models[:index]:
                ours, theirs = (chips[chips["model"] == name] for name in (model, rival))
                both = ours.merge(theirs[["filename", "probability"]], on="filename", suffixes=("", "_rival"))
                if both.empty:
                    continue
                figures = paired_difference(
                    weighted_scores(both["label"], both["probability"], _threshold(thresholds, model)),
                    weighted_scores(both["label"], both["probability_rival"], _threshold(thresholds, rival)),
                    both["place"],
                    settings,
                )
                size = (len(both), both["place"].nunique())
                rows += [(split, model, rival, name, *figure, *size) for name, figure in figures.items()]
    return pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))


def chip_predictions(chips: pd.DataFrame) -> pd.DataFrame:
    """Turn the measures of a segmenter into predictions of a chip classifier.

    Args:
        chips: Measures with ``chip_probability``, ``true_hectares``, ``place``, ``fold`` and, of labelled chips,
            ``label``.

    Returns:
        One row per chip as :func:`score_table` takes them. A chip without label is
        a mine if its mask shows one; a chip of which nothing is known is left out.
    """
    known = chips[chips["chip_probability"].notna()]
    in_mask = (known["true_hectares"] > 0).astype("int64")
    label = known["label"].fillna(in_mask) if "label" in known else in_mask
    kept = [name for name in ("filename", "place", "fold", "category", "longitude", "latitude") if name in known]
    return known[kept].assign(label=label.astype("int64"), model=SEGMENTER, probability=known["chip_probability"])


def choose_model(table: pd.DataFrame, metric: str) -> str:
    """Choose the model with the best out-of-fold figure; the test split has no say.

    Args:
        table: Result of :func:`score_table`.
        metric: One of :data:`~mining_the_mines.scoring.metrics.METRICS`.

    Returns:
        Name of the model; the first in the table among equals.

    Raises:
        ValueError: If no model has that figure out of fold.
    """
    rows = table[(table["split"] == OUT_OF_FOLD) & table["category_excluded"].isna() & (table["metric"] == metric)]
    rows = rows.dropna(subset=["value"])
    if rows.empty:
        raise ValueError(f"No model has an out-of-fold {metric}: name one of {', '.join(METRICS)}.")
    values = rows["value"].to_numpy()
    best = values.argmin() if metric in LOWER_IS_BETTER else values.argmax()
    return str(rows["model"].iloc[best])
