"""How does a run compare with others? In sentences and tables, for the report and for the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from mining_the_mines.reporting.classification_summary import FEW_PLACES, interval_of
from mining_the_mines.reporting.formatting import (
    MISSING,
    SPLIT_TITLES,
    count,
    decimal,
    decimal_range,
    hectares,
    hectares_range,
    metric_title,
    model_name,
    signed_percent,
    signed_percent_range,
)
from mining_the_mines.reporting.tables import Cell, Row, Table
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.metrics import METRICS
from mining_the_mines.scoring.run_comparison import PairedScores, RunComparison
from mining_the_mines.scoring.segmentation_scores import OUTLINES, SEGMENTATION_METRICS
from mining_the_mines.scoring.tables import TEST

#: What a verdict says in a table.
VERDICTS = MappingProxyType(
    {
        "better": "better",
        "worse": "worse",
        "higher": "higher",
        "lower": "lower",
        "same": "the same",
        "unclear": "can't be told",
        "undefined": "not defined",
    }
)
MADE_OF_TITLES = MappingProxyType(
    {
        "git_commit": "Commit",
        "git_dirty": "Uncommitted changes",
        "lock_hash": "Locked packages",
        "data_hash": "Chips and labels",
    }
)
#: Figures of a question, the most telling ones first.
_FIGURES = MappingProxyType({"detection": METRICS, "outlines": SEGMENTATION_METRICS})
_LONG_HASH: Final = 32
_SHORT_HASH: Final = 12
_SIGNED: Final = ("area_bias_hectares", "area_bias_share")


@dataclass(frozen=True)
class ComparisonPart:
    """All that the page says about how runs compare, ready to be written out.

    Attributes:
        sentences: Whether each difference is real, or why nobody can tell.
        caveats: What a reader must know of them.
        score_tables: Scores of each run on its own chips.
        difference_tables: Differences on the chips that two runs have in common.
        made_of: Commit, data and the like that differ; missing if none does.
        parameters: Parameters that differ; missing if none does.
        parameters_of_some: Parameters that only some runs tell; missing if there are none.
        alike: What does not differ, in a sentence; empty if all does.
    """

    sentences: tuple[str, ...]
    caveats: tuple[str, ...]
    score_tables: tuple[Table, ...]
    difference_tables: tuple[Table, ...]
    made_of: Table | None
    parameters: Table | None
    parameters_of_some: Table | None
    alike: str


def arrange_comparison(comparison: RunComparison) -> ComparisonPart:
    """Put what is known of how runs differ into words and tables.

    Args:
        comparison: The runs.
    """
    made_of, parameters = comparison.made_of, comparison.parameters
    alike = [name for name, table in (("code and data", made_of), ("parameters", parameters)) if table.empty]
    told = [pair for pair in comparison.pairs if not pair.obstacle]
    return ComparisonPart(
        sentences=tuple(verdict_sentence(pair) for pair in comparison.pairs),
        caveats=_caveats(told, comparison.level),
        score_tables=tuple(_score_tables(comparison)),
        difference_tables=tuple(_difference_table(pair) for pair in told if not pair.same),
        made_of=_facts_table("Code and data that differ", made_of),
        parameters=_facts_table("Parameters that differ", parameters),
        parameters_of_some=_facts_table("Parameters that only some of the runs tell", comparison.parameters_of_some),
        alike=f"As far as they are known, the runs have the same {' and the same '.join(alike)}." if alike else "",
    )


def verdict_sentence(pair: PairedScores) -> str:
    """Say whether the difference of two runs is real.

    Args:
        pair: The two.

    Returns:
        One sentence.
    """
    ours, theirs = _named(pair)
    if pair.obstacle:
        where = "on test chips" if pair.split == TEST else "out of fold"
        return f"{_about(pair)}, {ours} and {theirs} can't be compared {where}: {pair.obstacle}."
    where = f"{_about(pair)}, on the {_chips(pair)} that both have scored,"
    if pair.same:
        return f"{where} {ours} and {theirs} agree to the last digit."
    difference, verdict = pair.deciding
    title = metric_title(pair.metric)
    if verdict == "undefined":
        return f"{where} {title} is not defined, so that {ours} and {theirs} can't be told apart by it."
    if verdict == "same":
        return f"{where} {title} of {ours} and of {theirs} is the same to the last digit."
    direction = "higher" if difference.value > 0 else "lower"
    size = f"{title} of {ours} is {decimal(abs(difference.value))} {direction} than that of {theirs}"
    return f"{where} {size}{_judged(difference, verdict, ours)}."


def _judged(difference: Interval, verdict: str, ours: str) -> str:
    if np.isnan(difference.low):
        return "; all of them lie in one place, so that nobody can tell whether that is chance"
    span = f" ({_signed_range(difference)})"
    if verdict == "unclear":
        return f"{span}: that can be chance, so that nobody can tell which one is better"
    return f"{span}: the difference is real, and {ours} is {VERDICTS[verdict]}"


def _caveats(pairs: Sequence[PairedScores], level: float) -> tuple[str, ...]:
    if not pairs:
        return ()
    caveats = [
        (
            f"Differences have {100 * level:.0f}\N{NARROW NO-BREAK SPACE}% intervals, drawn by resampling places on "
            "which both runs are scored alike; of many figures, a few look different by chance alone."
        )
    ]
    few = min(pair.places for pair in pairs)
    if few < FEW_PLACES:
        caveats.append(f"Some are drawn from only {count(few, 'place')}: expect their intervals to be too narrow.")
    left_out = [
        f"{'test' if pair.split == TEST else 'out of fold'}, {pair.question}: "
        + ", ".join(f"{number} {reason}" for reason, number in pair.left_out.items())
        for pair in pairs
        if pair.left_out
    ]
    if left_out:
        caveats.append(f"Chips that are left out of a comparison ({'; '.join(dict.fromkeys(left_out))}).")
    return tuple(caveats)


def _about(pair: PairedScores) -> str:
    return "As classifiers" if pair.question == "detection" else "As outlines"


def _chips(pair: PairedScores) -> str:
    kind = "test chip" if pair.split == TEST else "out-of-fold chip"
    return f"{count(pair.chips, kind)} of {count(pair.places, 'place')}"


def _named(pair: PairedScores) -> tuple[str, str]:
    """The runs, with their models where these differ."""
    if pair.model == pair.rival_model or not (pair.model and pair.rival_model):
        return pair.run, pair.rival
    return f"{pair.run} ({model_name(pair.model)})", f"{pair.rival} ({model_name(pair.rival_model)})"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}") if np.isfinite(value) else MISSING


def _signed_range(interval: Interval) -> str:
    return f"{_signed(interval.low)} to {_signed(interval.high)}" if np.isfinite(interval.low) else ""


def _difference_table(pair: PairedScores) -> Table:
    rows = {row["metric"]: row for row in pair.differences.to_dict("records")}
    lines = []
    for metric in (name for name in _FIGURES[pair.question] if name in rows):
        row = rows[metric]
        figure = Interval(*(float(row[name]) for name in ("value", "low", "high")))
        shown = Cell("0") if row["verdict"] == "same" else _difference_cell(metric, figure)
        lines.append(Row(metric_title(metric), (shown, Cell(VERDICTS[row["verdict"]]))))
    caption = f"{_title(pair.question)}, {SPLIT_TITLES[pair.split].lower()}: {pair.run} − {pair.rival}"
    return Table(caption, ("", "Difference", f"{pair.run} is"), tuple(lines))


def _title(question: str) -> str:
    return "Detection" if question == "detection" else "Outlines"


def _difference_cell(metric: str, figure: Interval) -> Cell:
    if metric == "area_bias_share":
        return Cell(signed_percent(figure.value), signed_percent_range(figure))
    if metric.endswith("hectares"):
        return Cell(hectares(figure.value, signed=True), hectares_range(figure, signed=True))
    return Cell(_signed(figure.value), _signed_range(figure))


def _score_tables(comparison: RunComparison) -> list[Table]:
    tables = []
    for (question, split), rows in comparison.scores.groupby(["question", "split"], sort=False):
        of_runs = {run: rows[rows["run"] == run] for run in comparison.runs if (rows["run"] == run).any()}
        lines = []
        for metric in (name for name in _FIGURES[str(question)] if (rows["metric"] == name).any()):
            cells = tuple(_score_cell(of_run, metric) for of_run in of_runs.values())
            lines.append(Row(metric_title(metric), cells))
        sizes = [(int(of_run["chips"].iloc[0]), int(of_run["places"].iloc[0])) for of_run in of_runs.values()]
        lines.append(Row("Chips", tuple(Cell(str(chips), count(places, "place")) for chips, places in sizes)))
        heads = ("", *(_run_head(run, of_run) for run, of_run in of_runs.items()))
        caption = f"{_title(str(question))}, {SPLIT_TITLES[str(split)].lower()}: each run on its own chips"
        tables.append(Table(caption, heads, tuple(lines)))
    return tables


def _run_head(run: str, rows: pd.DataFrame) -> str:
    model = str(rows["model"].iloc[0])
    return run if model == OUTLINES else f"{run}, {model_name(model)}"


def _score_cell(rows: pd.DataFrame, metric: str) -> Cell:
    figure = interval_of(rows, metric) or Interval(np.nan, np.nan, np.nan)
    if metric == "area_bias_share":
        return Cell(signed_percent(figure.value), signed_percent_range(figure))
    if metric.endswith("hectares"):
        signed = metric in _SIGNED
        return Cell(hectares(figure.value, signed=signed), hectares_range(figure, signed=signed))
    return Cell(decimal(figure.value), decimal_range(figure))


def _facts_table(caption: str, facts: pd.DataFrame) -> Table | None:
    if facts.empty:
        return None
    lines = tuple(
        Row(MADE_OF_TITLES.get(name, name), tuple(Cell(_short(value)) for value in values))
        for name, *values in facts.itertuples(index=False, name=None)
    )
    return Table(caption, ("", *facts.columns[1:]), lines)


def _short(value: str | None) -> str:
    """A fact as a table has room for it."""
    if value is None:
        return MISSING
    is_hash = len(value) >= _LONG_HASH and set(value) <= set("0123456789abcdef")
    return value[:_SHORT_HASH] if is_hash else value
