"""A model card: what a registered model is for, what it was made from, how good it is, and what it can't do.

After Mitchell et al., *Model cards for model reporting*, FAT* 2019. It is made from tables alone, so that it can't say
anything that was not measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from mining_the_mines.models.description import ModelDescription
from mining_the_mines.registry.breakdown import region_of
from mining_the_mines.scoring.metrics import METRIC_TITLES
from mining_the_mines.scoring.segmentation_scores import SEGMENTATION_TITLES

#: Letters that MLflow's database holds of a version's description.
DESCRIPTION_LETTERS: Final = 5000
CARD: Final = "model_card.md"
#: Figures of the card, the most telling ones first.
HEADLINES: Final = {
    "classification": ("roc_auc", "f1", "precision", "recall", "specificity"),
    "segmentation": ("iou", "precision", "recall", "boundary_f1", "area_bias_share"),
}
#: Rows of a breakdown; what has most chips comes first.
_PARTS: Final = 8
_SHORTENED: Final = "\n\n(Shortened: all of it is in the file model_card.md of this version.)\n"
_DECIDERS: Final = {
    "baseline": "boosted trees on spectral statistics",
    "network": "an ensemble of neural networks",
    "blend": "a blend of boosted trees and neural networks",
}


@dataclass(frozen=True)
class CardData:
    """What a card is made from.

    Attributes:
        name: Of the model in the registry.
        description: What it takes and gives.
        folds: Split, place and label of each chip.
        scores: Of this model alone: ``split``, ``metric``, ``value``, ``low``, ``high``, ``chips``, ``places``.
        by_category: ``split``, ``part``, ``value``, ``low``, ``high``, ``chips``; its figure is in the part's name.
        by_region: The same by region.
        metric: The figure of ``by_region``.
        caveats: Sentences that a reader of the figures must know.
    """

    name: str
    description: ModelDescription
    folds: pd.DataFrame
    scores: pd.DataFrame
    by_category: pd.DataFrame
    by_region: pd.DataFrame
    metric: str
    caveats: tuple[str, ...]


def write_card(contents: CardData) -> str:
    """Write the card.

    Args:
        contents: What it is made from.

    Returns:
        Markdown; the same contents give the same text.
    """
    environment = Environment(
        loader=PackageLoader("mining_the_mines.registry"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown, of our own figures
        keep_trailing_newline=True,
    )
    trained, tested = (contents.folds[contents.folds["split"] == split] for split in ("train", "test"))
    return environment.get_template("model_card.md.jinja").render(
        contents=contents,
        decider=_DECIDERS[contents.description.decided_by],
        trained=_sample(trained),
        tested=_sample(tested),
        scores=_overall(contents),
        categories=_rows(contents.by_category),
        regions=_rows(contents.by_region),
        title=title_of(contents.metric),
    )


def shorten(card: str) -> str:
    """Fit a card into the field of a registry, which ends at a paragraph if it has to end before its time.

    Args:
        card: The card.

    Returns:
        At most :data:`DESCRIPTION_LETTERS` letters.
    """
    if len(card) <= DESCRIPTION_LETTERS:
        return card
    room = card[: DESCRIPTION_LETTERS - len(_SHORTENED)]
    return room[: max(room.rfind("\n\n"), 0)] + _SHORTENED


def figure_with_interval(value: float, low: float, high: float) -> str:
    """A figure as people read it, with its interval where there is one; a dash where it is not defined."""
    if pd.isna(value):
        return "–"
    return f"{value:.3f}" if pd.isna(low) or pd.isna(high) else f"{value:.3f} ({low:.3f} to {high:.3f})"


def title_of(metric: str) -> str:
    """A figure's name as people read it."""
    return {**METRIC_TITLES, **SEGMENTATION_TITLES}[metric]


def _sample(chips: pd.DataFrame) -> dict[str, object]:
    regions = sorted({region_of(str(place)) for place in chips["place"]})
    return {
        "chips": len(chips),
        "mines": int((chips["label"] == 1).sum()),
        "labelled": bool(chips["label"].notna().any()),
        "places": chips["place"].nunique(),
        "regions": len(regions),
        "names": _name_some(regions),
    }


def _name_some(names: Sequence[str]) -> str:
    more = len(names) - _PARTS
    return ", ".join(names[:_PARTS]) + (f" and {more} more" if more > 0 else "")


def _overall(contents: CardData) -> list[dict[str, str]]:
    shown = []
    for metric in HEADLINES[contents.description.task]:
        rows = contents.scores[contents.scores["metric"] == metric]
        figures = {str(row["split"]): figure_with_interval(*_ends(row)) for _, row in rows.iterrows()}
        test, out_of_fold = (figures.get(split, "–") for split in ("test", "out-of-fold"))
        shown.append({"title": title_of(metric), "test": test, "out_of_fold": out_of_fold})
    return shown


def _ends(row: "pd.Series[Any]") -> tuple[float, float, float]:
    return float(row["value"]), float(row["low"]), float(row["high"])


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    most = table.sort_values(["chips", "part"], ascending=[False, True], kind="stable").head(2 * _PARTS)
    return [
        {"split": row["split"], "part": row["part"], "figure": figure_with_interval(*_ends(row)), "chips": row["chips"]}
        for _, row in most.iterrows()
    ]
