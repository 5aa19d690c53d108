"""Model card of a classifier that was adapted to a region."""

from typing import Any, Final

import pandas as pd

from mining_the_mines.models.description import ModelDescription
from mining_the_mines.registry.card import figure_with_interval, render_card, title_of

_STATES: Final = ("before", "after", "difference")


def write_adaptation_card(
    name: str, description: ModelDescription, summary: dict[str, Any], scores: pd.DataFrame
) -> str:
    """Write the card.

    Args:
        name: Name of the model in the registry.
        description: Input and output of the model.
        summary: Region, labels, threshold and calibration, and whether the labels suffice.
        scores: ``metric``, ``state`` (before, after, difference), ``value``, ``low`` and ``high``; may be empty.

    Returns:
        Markdown; the same contents give the same text.
    """
    figures = {
        (row["metric"], row["state"]): figure_with_interval(row["value"], row["low"], row["high"])
        for row in scores.to_dict("records")
    }
    metrics = dict.fromkeys(scores["metric"])
    return render_card(
        "adaptation_card.md.jinja",
        name=name,
        description=description,
        summary=summary,
        threshold=_interval(summary["threshold"]),
        share=_interval(summary["share_of_mines"]),
        scores=[(title_of(metric), *(figures[metric, state] for state in _STATES)) for metric in metrics],
    )


def _interval(figure: dict[str, float | None]) -> str:
    value, low, high = (float("nan") if (end := figure[name]) is None else end for name in ("value", "low", "high"))
    return figure_with_interval(value, low, high)
