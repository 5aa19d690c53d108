"""``kedro reproduce``: a tracked run, done again and compared."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.redaction import redact
from mining_the_mines.ledger.comparison import GPU_TOLERANCE, usual_tolerance
from mining_the_mines.ledger.records import WORKING_TREE

if TYPE_CHECKING:
    from mining_the_mines.cli.reproduction import Reproduction
    from mining_the_mines.ledger.comparison import Compared, Difference
    from mining_the_mines.ledger.records import RunRecord
    from mining_the_mines.tracking.runs import TrackedFacts
    from mining_the_mines.tracking.store import RunStore

#: Letters of a tag that MLflow takes.
_LONGEST_TAG: Final = 5000
_DIGITS: Final = 12


@click.command()
@click.argument("wanted", metavar="RUN")
@click.option("--force", is_flag=True, help="Go on although code, packages, parameters or data differ.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    help=f"How far figures may be apart; by default 0, and {GPU_TOLERANCE} where an accelerator took part. With one, "
    "files that networks on an accelerator had a part in may differ; all others are equal byte for byte.",
)
@click.option("--keep", is_flag=True, help="Keep the files of the second run, also where they are equal.")
def reproduce(wanted: str, force: bool, tolerance: float | None, keep: bool) -> None:
    """Do RUN again and compare every figure and every file.

    RUN is an id or its first digits, a name, or LAST. It is done again beside the project's data, which stay as they
    are. Ends with 0 if all is equal, with 1 if not.
    """
    from mining_the_mines.cli.reproduction import find_differences, read_record, run_again
    from mining_the_mines.cli.run_store import project_store
    from mining_the_mines.ledger.environment import read_environment
    from mining_the_mines.ledger.scratch import remove_scratch
    from mining_the_mines.tracking.runs import find_run

    project = Path.cwd()
    store = project_store(project)
    run = _original(find_run(wanted, store), store)
    record = read_record(run, project)
    differences = find_differences(record, project)
    if differences and not force:
        raise BadInputError(_refusal(run, record, differences))
    devices = {read_environment(project).device, *(node.environment.device for node in record.nodes)}
    allowed = usual_tolerance(devices) if tolerance is None else tolerance
    done = run_again(record, project, store, allowed)
    _tell(run, done, differences, allowed)
    if done.equal and not keep:
        remove_scratch(done.project, project)
    else:
        click.echo(f"The files of the second run lie in {done.project / 'data'}.")
    _note(run, done, differences)
    sys.exit(0 if done.equal else 1)


def _original(run: "TrackedFacts", store: "RunStore") -> "TrackedFacts":
    """The run that a reproduction did again, or else the run itself."""
    from mining_the_mines.cli.reproduction import REPRODUCES
    from mining_the_mines.tracking.runs import find_run

    run = find_run(run.tags[REPRODUCES], store) if REPRODUCES in run.tags else run
    if run.status != "FINISHED":
        raise BadInputError(
            f"Run {run.short} ({run.name}) is {run.status.lower()}: only finished runs can be compared."
        )
    return run


def _refusal(run: "TrackedFacts", record: "RunRecord", differences: Sequence["Difference"]) -> str:
    listed = "\n".join(f"  - {difference}" for difference in differences)
    code = f"git checkout {record.code.commit[:_DIGITS]}"
    if record.code.dirty:
        code += f" and git apply the run's file {WORKING_TREE}"
    return (
        f"Run {run.short} ({run.name}) can't be done again as it was, since this differs:\n{listed}\n"
        f"Restore it ({code}, the lock file, the data), or go on with --force, which is noted on the new run."
    )


def _note(run: "TrackedFacts", done: "Reproduction", differences: Sequence["Difference"]) -> None:
    """Say on the new run what came of it; a server that has gone in the meantime changes nothing of that."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    tags = {
        "reproduction": "equal" if done.equal else "different",
        "reproduced_in_spite_of": "; ".join(map(str, differences))[:_LONGEST_TAG],
    }
    try:
        client = MlflowClient(run.store.address)
        for name, value in tags.items():
            if value:
                client.set_tag(done.run.id, name, value)
    except MlflowException as error:
        click.echo(f"That could not be noted on run {done.run.short}: {redact(str(error))}", err=True)


def _tell(run: "TrackedFacts", done: "Reproduction", differences: Sequence["Difference"], tolerance: float) -> None:
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
    exact, close = (sum(row.verdict == verdict for row in done.outputs) for verdict in ("equal", "close"))
    console.print(
        f"{'EQUAL' if done.equal else 'DIFFERENT'}: run {done.run.short} does {run.short} ({run.name}) again. "
        f"{sum(row.agrees for row in done.metrics)} of {len(done.metrics)} figures {_how(tolerance)}, "
        f"{exact} of {len(done.outputs)} files and folders byte for byte"
        + (f"; {close} that networks on an accelerator had a part in hold other digits." if close else ".")
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


def _how(tolerance: float) -> str:
    return f"within {tolerance:g}" if tolerance else "to the last digit"
