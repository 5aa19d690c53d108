"""Model cards: use, data, scores and limits of a registered model, and of one that was adapted to a region.

After Mitchell et al., *Model cards for model reporting*, FAT* 2019. They are made from tables alone, so that they say
nothing that was not measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from mining_the_mines.models.description import ModelDescription
from mining_the_mines.scoring.bootstrap import BootstrapSettings, Scorer, bootstrap_intervals
from mining_the_mines.scoring.metrics import METRIC_TITLES
from mining_the_mines.scoring.segmentation import SEGMENTATION_TITLES
from mining_the_mines.scoring.tables import split_predictions

#: Characters of a version's description that MLflow stores.
DESCRIPTION_LETTERS: Final = 5000
#: Figures of the card, the most telling ones first.
HEADLINES: Final = {
    "classification": ("roc_auc", "f1", "precision", "recall", "specificity"),
    "segmentation": ("iou", "precision", "recall", "boundary_f1", "area_bias_share"),
}
BREAKDOWN_COLUMNS: Final = ("split", "part", "value", "low", "high", "chips", "places")
#: Rows of a breakdown; the parts with most chips come first.
_PARTS: Final = 8
_STATES: Final = ("before", "after", "difference")
_SHORTENED: Final = "\n\n(Shortened: all of it is in the file model_card.md of this version.)\n"


@dataclass(frozen=True)
class CardData:
    """Data of a card.

    Attributes:
        name: Name of the model in the registry.
        description: Input and output of the model.
        folds: Split, place and label of each chip.
        scores: Of this model alone: ``split``, ``metric``, ``value``, ``low``, ``high``, ``chips``, ``places``.
        by_category: ``split``, ``part``, ``value``, ``low``, ``high``, ``chips``; its figure is in the part's name.
        by_region: The same by region.
        metric: The figure of ``by_region``.
        caveats: Sentences that readers of the figures must know.
    """

    name: str
    description: ModelDescription
    folds: pd.DataFrame
    scores: pd.DataFrame
    by_category: pd.DataFrame
    by_region: pd.DataFrame
    metric: str
    caveats: tuple[str, ...]


def _render(template: str, **contents: object) -> str:
    """Render a template of this package to Markdown; the same contents give the same text."""
    environment = Environment(
        loader=PackageLoader("mining_the_mines.registry"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown, of our own figures
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(contents)


def write_card(contents: CardData) -> str:
    """Write the card.

    Args:
        contents: Data of the card.

    Returns:
        Markdown; the same contents give the same text.
    """
    trained, tested = (contents.folds[contents.folds["split"] == split] for split in ("train", "test"))
    return _render(
        "model_card.md.jinja",
        contents=contents,
        decider=contents.description.architecture,
        trained=_sample(trained),
        tested=_sample(tested),
        scores=_overall(contents),
        categories=_rows(contents.by_category),
        regions=_rows(contents.by_region),
        title=title_of(contents.metric),
    )


def write_adaptation_card(
    name: str, description: ModelDescription, summary: dict[str, Any], scores: pd.DataFrame
) -> str:
    """Write the card of a classifier that was adapted to a region.

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
    return _render(
        "adaptation_card.md.jinja",
        name=name,
        description=description,
        summary=summary,
        threshold=_interval(summary["threshold"]),
        share=_interval(summary["share_of_mines"]),
        scores=[(title_of(metric), *(figures[metric, state] for state in _STATES)) for metric in metrics],
    )


def region_of(place: str) -> str:
    """Return the region of a place, with which its name begins; a place without one is a region of its own."""
    return place.rsplit("/", 1)[0]


def break_down(
    chips: pd.DataFrame,
    parts: "pd.Series[str]",
    scorer: Callable[[pd.DataFrame], Scorer],
    metric: str,
    settings: BootstrapSettings,
) -> pd.DataFrame:
    """Score the parts of a table of chips one by one.

    Args:
        chips: One row a chip, with ``place``, ``fold`` (missing for test chips) and the columns of the scorer.
        parts: Part of each chip, on the same index; missing for chips to leave out.
        scorer: Makes a scorer of some rows.
        metric: The metric.
        settings: Bootstrap of places.

    Returns:
        ``split``, ``part``, ``value``, ``low``, ``high``, ``chips``, ``places``; an undefined figure
        (AUC without mines) is NaN.
    """
    rows = []
    for split, members in split_predictions(chips):
        for part, some in members.groupby(parts[members.index], sort=True):
            figure = bootstrap_intervals(scorer(some), some["place"], settings)[metric]
            rows.append((split, str(part), *figure, len(some), some["place"].nunique()))
    return pd.DataFrame(rows, columns=list(BREAKDOWN_COLUMNS))


def shorten(card: str) -> str:
    """Shorten a card to the length of the registry's field, at the end of a paragraph.

    Args:
        card: The card.

    Returns:
        At most :data:`DESCRIPTION_LETTERS` characters.
    """
    if len(card) <= DESCRIPTION_LETTERS:
        return card
    room = card[: DESCRIPTION_LETTERS - len(_SHORTENED)]
    return room[: max(room.rfind("\n\n"), 0)] + _SHORTENED


def figure_with_interval(value: float, low: float, high: float) -> str:
    """Format a figure with its interval, if it has one; a dash if it is not defined."""
    if pd.isna(value):
        return "–"
    return f"{value:.3f}" if pd.isna(low) or pd.isna(high) else f"{value:.3f} ({low:.3f} to {high:.3f})"


def title_of(metric: str) -> str:
    """Return a metric's title."""
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


def _interval(figure: dict[str, float | None]) -> str:
    value, low, high = (float("nan") if (end := figure[name]) is None else end for name in ("value", "low", "high"))
    return figure_with_interval(value, low, high)
