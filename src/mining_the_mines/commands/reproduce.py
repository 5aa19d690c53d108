"""``kedro reproduce``: a tracked run, done again and compared."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.provenance.records import WORKING_TREE
from mining_the_mines.scenes.discretion import conceal

if TYPE_CHECKING:
    from mining_the_mines.provenance.comparison import Compared, Difference
    from mining_the_mines.provenance.records import RunRecord
    from mining_the_mines.running.reproduction import Reproduction
    from mining_the_mines.tracking.runs import RunStore, TrackedFacts

#: How far figures may be apart where an accelerator took part: it adds in another order each time, and networks carry
#: last digits on to the second or third decimal of a score.
GPU_TOLERANCE: Final = 0.01
#: Letters of a tag that MLflow takes.
_LONGEST_TAG: Final = 5000
_CPU: Final = "cpu"
_DIGITS: Final = 12


@click.command()
@click.argument("wanted", metavar="RUN")
@click.option("--force", is_flag=True, help="Go on although code, packages, parameters or data differ.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    help=f"How far figures may be apart; by default 0, and {GPU_TOLERANCE} where an accelerator took part.",
)
@click.option("--keep", is_flag=True, help="Keep the files of the second run, also where they are equal.")
def reproduce(wanted: str, force: bool, tolerance: float | None, keep: bool) -> None:
    """Do RUN again and compare every figure and every file.

    RUN is an id or its first digits, a name, or LAST. It is done again beside the project's data, which stay as they
    are. Ends with 0 if all is equal, with 1 if not.
    """
    from mining_the_mines.commands.run_store import project_store
    from mining_the_mines.provenance.environment import read_environment
    from mining_the_mines.running.reproduction import find_differences, read_record, run_again
    from mining_the_mines.running.scratch import remove_scratch
    from mining_the_mines.tracking.runs import find_run

    project = Path.cwd()
    store = project_store(project)
    run = _original(find_run(wanted, store), store)
    record = read_record(run, project)
    differences = find_differences(record, project)
    if differences and not force:
        raise BadInputError(_refusal(run, record, differences))
    devices = {read_environment(project).device, *(node.environment.device for node in record.nodes)}
    allowed = tolerance if tolerance is not None else 0.0 if devices == {_CPU} else GPU_TOLERANCE
    done = run_again(record, project, store, allowed)
    equal = _is_equal(done, allowed)
    _tell(run, done, differences, equal=equal, tolerance=allowed)
    if equal and not keep:
        remove_scratch(done.project, project)
    else:
        click.echo(f"The files of the second run lie in {done.project / 'data'}.")
    _note(run, done, differences, equal=equal)
    sys.exit(0 if equal else 1)


def _original(run: "TrackedFacts", store: "RunStore") -> "TrackedFacts":
    """The run that a reproduction did again, or else the run itself."""
    from mining_the_mines.running.reproduction import REPRODUCES
    from mining_the_mines.tracking.runs import find_run

    run = find_run(run.tags[REPRODUCES], store) if REPRODUCES in run.tags else run
    if run.status != "FINISHED":
        raise BadInputError(
            f"Run {run.short} ({run.name}) is {run.status.lower()}: only finished runs can be compared."
        )
    return run


def _is_equal(done: "Reproduction", tolerance: float) -> bool:
    """Whether figures and files agree; with a tolerance files must be there, and may hold other last digits.

    Where there are no figures, files alone decide.
    """
    if not tolerance or not done.metrics:
        return all(row.agrees for row in (*done.metrics, *done.outputs))
    there = all(row.verdict in ("equal", "different") for row in done.outputs)
    return there and all(row.agrees for row in done.metrics)


def _refusal(run: "TrackedFacts", record: "RunRecord", differences: Sequence["Difference"]) -> str:
    listed = "\n".join(f"  - {difference}" for difference in differences)
    code = f"git checkout {record.code.commit[:_DIGITS]}"
    if record.code.dirty:
        code += f" and git apply the run's file {WORKING_TREE}"
    return (
        f"Run {run.short} ({run.name}) can't be done again as it was, since this differs:\n{listed}\n"
        f"Restore it ({code}, the lock file, the data), or go on with --force, which is noted on the new run."
    )


def _note(run: "TrackedFacts", done: "Reproduction", differences: Sequence["Difference"], *, equal: bool) -> None:
    """Say on the new run what came of it; a server that has gone in the meantime changes nothing of that."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    tags = {
        "reproduction": "equal" if equal else "different",
        "reproduced_in_spite_of": "; ".join(map(str, differences))[:_LONGEST_TAG],
    }
    try:
        client = MlflowClient(run.store.address)
        for name, value in tags.items():
            if value:
                client.set_tag(done.run.id, name, value)
    except MlflowException as error:
        click.echo(f"That could not be noted on run {done.run.short}: {conceal(str(error))}", err=True)


def _tell(
    run: "TrackedFacts", done: "Reproduction", differences: Sequence["Difference"], *, equal: bool, tolerance: float
) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for title, rows in (("figure", done.metrics), ("file", done.outputs)):
        unequal = [row for row in rows if row.verdict != "equal"]
        if unequal:
            console.print(_table(title, unequal))
    for difference in differences:
        console.print(f"Forced in spite of another {difference}", markup=False)
    if done.left_out:
        console.print(f"Not done again, since the registry of models keeps it: {', '.join(done.left_out)}.")
    console.print(
        f"{'EQUAL' if equal else 'DIFFERENT'}: run {done.run.short} does {run.short} ({run.name}) again. "
        f"{_count(done.metrics)} figures {_how(tolerance)}, {_count(done.outputs)} files and folders byte for byte."
    )


def _table(title: str, rows: Sequence["Compared"]) -> Any:  # noqa: ANN401 - rich is imported where it is used
    from rich.table import Table

    table = Table(title=f"What is not equal: {title}s", title_justify="left")
    for column in (title, "then", "now", ""):
        table.add_column(column, overflow="fold")
    for row in rows:
        short = (value[:_DIGITS] if title == "file" else value for value in (row.then, row.now))
        table.add_row(row.name, *short, row.verdict)
    return table


def _count(rows: Sequence["Compared"]) -> str:
    return f"{sum(row.agrees for row in rows)} of {len(rows)}"


def _how(tolerance: float) -> str:
    return f"within {tolerance:g}" if tolerance else "to the last digit"
