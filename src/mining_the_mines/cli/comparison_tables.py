"""Tables and sentences of ``kedro compare``."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from mining_the_mines.reporting.formatting import (
    MISSING,
    SPLIT_TITLES,
    count,
    decimal,
    figure_texts,
    metric_title,
    model_name,
    percent,
    signed_decimal,
    span,
)
from mining_the_mines.reporting.tables import Cell, Row, Table, score_rows, size_row
from mining_the_mines.scoring.bootstrap import FEW_PLACES, Interval
from mining_the_mines.scoring.metrics import METRICS
from mining_the_mines.scoring.run_comparison import PairedScores, RunComparison
from mining_the_mines.scoring.segmentation import SEGMENTATION_METRICS
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST

#: Tables of a comparison in JSON.
_TABLES: Final = ("made_of", "parameters", "parameters_of_some", "scores")
#: Verdicts that tables word differently.
_VERDICTS: Final = {"same": "the same", "unclear": "can't be told", "undefined": "not defined"}
_FACT_TITLES: Final = {
    "git_commit": "Commit", "git_dirty": "Uncommitted changes", "lock_hash": "Locked packages",
    "data_hash": "Chips and labels",
}  # fmt: skip
#: Fields of a pair that JSON repeats.
_PAIR: Final = (
    "run", "rival", "task", "split", "model", "rival_model", "metric", "same", "chips", "places",
)  # fmt: skip
#: Longer hexadecimal texts are hashes, which tables shorten.
_LONG_HASH, _SHORT_HASH = 32, 12


def as_plain(comparison: RunComparison) -> dict[str, Any]:
    """Convert a comparison to JSON values; undefined figures are ``null``.

    Args:
        comparison: The runs.

    Returns:
        ``runs``, records of ``made_of``, ``parameters``, ``parameters_of_some`` and ``scores``, and ``pairs``, each
        with its ``sentence``.
    """
    tables = {name: _records(getattr(comparison, name)) for name in _TABLES}
    pairs = [
        {
            **{name: getattr(pair, name) for name in _PAIR},
            "verdict": "not comparable" if pair.obstacle else pair.deciding[1],
            "sentence": verdict_sentence(pair),
            "left_out": dict(pair.left_out),
            "differences": _records(pair.differences),
        }
        for pair in comparison.pairs
    ]
    return {"runs": list(comparison.runs), **tables, "pairs": pairs}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if value is None or value != value else value for name, value in row.items()}  # noqa: PLR0124 - NaN
        for row in table.astype(object).to_dict("records")
    ]


def show(comparison: RunComparison, *, out_of_fold: bool) -> None:
    """Print a comparison: differing facts and parameters, scores, differences, and one sentence per pair.

    Args:
        comparison: The runs.
        out_of_fold: Whether to print the tables of out-of-fold chips beside those of test chips.
    """
    console = Console(highlight=False)
    facts = {
        "Code and data that differ": comparison.made_of,
        "Parameters that differ": comparison.parameters,
        "Parameters that only some of the runs have": comparison.parameters_of_some,
    }
    for caption, table in facts.items():
        if not table.empty:
            console.print(_rich(_facts_table(caption, table)))
    kinds = {"code and data": comparison.made_of, "parameters": comparison.parameters}
    same = [name for name, table in kinds.items() if table.empty]
    if same:
        console.print(f"As far as they are known, the runs have the same {' and the same '.join(same)}.", markup=False)
    compared = [pair for pair in comparison.pairs if not pair.obstacle]
    hidden = None
    if any(pair.split == TEST for pair in compared) and not out_of_fold:
        hidden = SPLIT_TITLES[OUT_OF_FOLD].lower()
    for result in (*_score_tables(comparison), *(_difference_table(pair) for pair in compared if not pair.same)):
        if hidden is None or hidden not in result.caption:
            console.print(_rich(result))
    for sentence in (*map(verdict_sentence, comparison.pairs), *_caveats(compared, comparison.level)):
        console.print(f"• {sentence}", markup=False)


def _rich(table: Table) -> RichTable:
    shown = RichTable(title=escape(table.caption), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for index, head in enumerate(table.heads):
        shown.add_column(escape(head), justify="right" if index else "left", overflow="fold")
    for row in table.rows:
        cells = [f"{cell.text}  ({cell.beneath})" if cell.beneath else cell.text for cell in row.cells]
        shown.add_row(escape(row.name), *map(escape, cells))
    return shown


def verdict_sentence(pair: PairedScores) -> str:
    """Say in one sentence whether the difference of two runs is real."""
    about = "As classifiers" if pair.task == "classification" else "As segmenters"
    ours, theirs = _named(pair)
    if pair.obstacle:
        where = "on test chips" if pair.split == TEST else "out of fold"
        return f"{about}, {ours} and {theirs} can't be compared {where}: {pair.obstacle}."
    where = f"{about}, on the {_chips(pair)} that both have scored,"
    if pair.same:
        return f"{where} {ours} and {theirs} agree to the last digit."
    difference, verdict = pair.deciding
    title = metric_title(pair.metric)
    if verdict in {"undefined", "same"}:
        told = "the same to the last digit" if verdict == "same" else "not defined, so it can't tell the two apart"
        return f"{where} {title} of {ours} and of {theirs} is {told}."
    direction = "higher" if difference.value > 0 else "lower"
    size = f"{where} {title} of {ours} is {decimal(abs(difference.value))} {direction} than that of {theirs}"
    ends = span(difference, signed_decimal)
    judged = f" ({ends}): the difference is real, and {ours} is {verdict}"
    if not ends:
        judged = "; all of them lie in one place, so nobody can tell whether that is chance"
    elif verdict == "unclear":
        judged = f" ({ends}): that can be chance, so nobody can tell which one is better"
    return f"{size}{judged}."


def _named(pair: PairedScores) -> tuple[str, str]:
    """The runs, with their models where these differ."""
    if pair.model == pair.rival_model or not (pair.model and pair.rival_model):
        return pair.run, pair.rival
    return f"{pair.run} ({model_name(pair.model)})", f"{pair.rival} ({model_name(pair.rival_model)})"


def _chips(pair: PairedScores) -> str:
    kind = "test chip" if pair.split == TEST else "out-of-fold chip"
    return f"{count(pair.chips, kind)} of {count(pair.places, 'place')}"


def _caveats(pairs: Sequence[PairedScores], level: float) -> Iterator[str]:
    if not pairs:
        return
    yield (
        f"Differences have {percent(level)} intervals, drawn by resampling places on which both runs are scored alike; "
        "of many figures, a few look different by chance alone."
    )
    few = min(pair.places for pair in pairs)
    if few < FEW_PLACES:
        yield f"Some are drawn from only {count(few, 'place')}: expect their intervals to be too narrow."
    left_out = [
        f"{'test' if pair.split == TEST else 'out of fold'}, {pair.task}: "
        + ", ".join(f"{number} {reason}" for reason, number in pair.left_out.items())
        for pair in pairs
        if pair.left_out
    ]
    if left_out:
        yield f"Chips that are left out of a comparison ({'; '.join(dict.fromkeys(left_out))})."


def _score_tables(comparison: RunComparison) -> Iterator[Table]:
    """Scores of each run on its own chips, one table per task and split."""
    for (task, split), rows in comparison.scores.groupby(["task", "split"], sort=False):
        columns = {}
        for run, of_run in rows.groupby("run", sort=False):
            model = str(of_run["model"].iloc[0])
            columns[str(run) if task == "segmentation" else f"{run}, {model_name(model)}"] = of_run
        metrics = METRICS if task == "classification" else SEGMENTATION_METRICS
        lines = [*score_rows(columns, [name for name in metrics if (rows["metric"] == name).any()]), size_row(columns)]
        caption = f"{str(task).capitalize()}, {SPLIT_TITLES[str(split)].lower()}: each run on its own chips"
        yield Table(caption, ("", *columns), tuple(lines))


def _difference_table(pair: PairedScores) -> Table:
    caption = f"{pair.task.capitalize()}, {SPLIT_TITLES[pair.split].lower()}: {pair.run} − {pair.rival}"
    rows = tuple(_difference_row(row) for row in pair.differences.to_dict("records"))
    return Table(caption, ("", "Difference", f"{pair.run} is"), rows)


def _difference_row(row: dict[Any, Any]) -> Row:
    metric, verdict = str(row["metric"]), str(row["verdict"])
    figure = Interval(float(row["value"]), float(row["low"]), float(row["high"]))
    texts = ("0",) if verdict == "same" else figure_texts(metric, figure, difference=True)
    return Row(metric_title(metric), (Cell(*texts), Cell(_VERDICTS.get(verdict, verdict))))


def _facts_table(caption: str, facts: pd.DataFrame) -> Table:
    def short(value: str | None) -> str:
        if value is None:
            return MISSING
        is_hash = len(value) >= _LONG_HASH and set(value) <= set("0123456789abcdef")
        return value[:_SHORT_HASH] if is_hash else value

    rows = tuple(
        Row(_FACT_TITLES.get(name, name), tuple(Cell(short(value)) for value in values))
        for name, *values in facts.itertuples(index=False, name=None)
    )
    return Table(caption, ("", *facts.columns[1:]), rows)
