"""``kedro compare``: what differs between runs, and whether a difference of their scores is real."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mining_the_mines.core.errors import BadInputError

if TYPE_CHECKING:
    from mining_the_mines.reporting.tables import Table
    from mining_the_mines.scoring.run_comparison import RunComparison

#: Of a comparison, as JSON has them.
_TABLES: Final = ("made_of", "parameters", "parameters_of_some", "scores")


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option("--out-of-fold", is_flag=True, help="Show the tables of out-of-fold chips too, not of test chips only.")
@click.option("--resamples", type=click.IntRange(min=20), default=1000, show_default=True, help="Of the bootstrap.")
@click.option("--env", "-e", default=None, help="Environment of the configuration.")
def compare(runs: tuple[str, ...], as_json: bool, out_of_fold: bool, resamples: int, env: str | None) -> None:
    """Compare runs with the first one named: what differs, and whether a difference of their scores is real.

    RUN is the id of a run in MLflow, the first digits of it, its name, or LAST for the newest finished one (LAST~1 for
    the one before).
    """
    from mining_the_mines.cli.run_store import project_store
    from mining_the_mines.scoring.bootstrap import BootstrapSettings
    from mining_the_mines.scoring.run_comparison import compare_runs
    from mining_the_mines.tracking.runs import find_run
    from mining_the_mines.tracking.scored_runs import read_scored_run

    store = project_store(Path.cwd(), env)
    found = [find_run(wanted, store) for wanted in runs]
    if len(found) < 2 or len({run.id for run in found}) < len(found):
        raise BadInputError(
            f"Two different runs or more can be compared, and {', '.join(runs)} names "
            f"{'one' if len({run.id for run in found}) == 1 else 'one of them twice'}: kedro compare LAST~1 LAST."
        )
    settings = BootstrapSettings(resamples=resamples)
    comparison = compare_runs([read_scored_run(run) for run in found], settings)
    if as_json:
        click.echo(json.dumps(as_plain(comparison), indent=2))
        return
    click.echo("\n".join(f"{run.short}  {run.name}, {run.started:%Y-%m-%d %H:%M} UTC" for run in found))
    _show(comparison, out_of_fold=out_of_fold)


def as_plain(comparison: "RunComparison") -> dict[str, Any]:
    """A comparison as JSON can hold it; figures that are not defined are ``null``.

    Args:
        comparison: The runs.

    Returns:
        ``runs``, records of ``made_of``, ``parameters``, ``parameters_of_some`` and ``scores``, and ``pairs``, each
        with its ``sentence``.
    """
    from mining_the_mines.reporting.comparison_part import verdict_sentence

    tables = {name: _records(getattr(comparison, name)) for name in _TABLES}
    pairs = [
        {
            "run": pair.run,
            "rival": pair.rival,
            "question": pair.question,
            "split": pair.split,
            "model": pair.model,
            "rival_model": pair.rival_model,
            "metric": pair.metric,
            "verdict": "not comparable" if pair.obstacle else pair.deciding[1],
            "same": pair.same,
            "sentence": verdict_sentence(pair),
            "chips": pair.chips,
            "places": pair.places,
            "left_out": dict(pair.left_out),
            "differences": _records(pair.differences),
        }
        for pair in comparison.pairs
    ]
    return {"runs": list(comparison.runs), **tables, "pairs": pairs}


def _records(table: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a DataFrame, whose module is loaded where it is used
    return [
        {name: None if value is None or value != value else value for name, value in row.items()}  # noqa: PLR0124 - NaN
        for row in table.astype(object).to_dict("records")
    ]


def _show(comparison: "RunComparison", *, out_of_fold: bool) -> None:
    from rich.console import Console

    from mining_the_mines.reporting.comparison_part import arrange_comparison
    from mining_the_mines.reporting.formatting import SPLIT_TITLES
    from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST

    part = arrange_comparison(comparison)
    console = Console(highlight=False)
    for table in (part.made_of, part.parameters, part.parameters_of_some):
        if table is not None:
            console.print(_rich(table))
    if part.alike:
        console.print(part.alike, markup=False)
    tested = any(pair.split == TEST and not pair.obstacle for pair in comparison.pairs)
    hidden = SPLIT_TITLES[OUT_OF_FOLD].lower() if tested and not out_of_fold else None
    for table in (*part.score_tables, *part.difference_tables):
        if hidden is None or hidden not in table.caption:
            console.print(_rich(table))
    for sentence in (*part.sentences, *part.caveats):
        console.print(f"• {sentence}", markup=False)


def _rich(table: "Table") -> Any:  # noqa: ANN401 - a rich table; its module is loaded where it is used
    from rich import box
    from rich.markup import escape
    from rich.table import Table as RichTable

    shown = RichTable(title=escape(table.caption), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for index, head in enumerate(table.heads):
        shown.add_column(escape(head), justify="right" if index else "left", overflow="fold")
    for row in table.rows:
        cells = [f"{cell.text}  ({cell.beneath})" if cell.beneath else cell.text for cell in row.cells]
        shown.add_row(escape(row.name), *map(escape, cells))
    return shown
