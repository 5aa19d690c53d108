"""``kedro reproduce``: repeat a tracked run and compare."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.redaction import redact

if TYPE_CHECKING:
    from mining_the_mines.cli.reproduction import Reproduction
    from mining_the_mines.ledger.comparison import Compared, Difference
    from mining_the_mines.ledger.records import RunRecord
    from mining_the_mines.tracking.runs import TrackedFacts
    from mining_the_mines.tracking.store import RunStore

#: Length of a tag that MLflow takes.
_MAX_TAG: Final = 5000
_DIGITS: Final = 12


@click.command()
@click.argument("wanted", metavar="RUN")
@click.option("--force", is_flag=True, help="Go on although code, packages, parameters or data differ.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    help="Absolute difference of metrics that counts as close; by default 0, and 0.01 where an accelerator took part. "
    "If it is not 0, files that networks on an accelerator computed may differ; all others must be equal.",
)
@click.option("--keep", is_flag=True, help="Keep the files of the second run even if they are equal.")
def reproduce(wanted: str, force: bool, tolerance: float | None, keep: bool) -> None:
    """Repeat RUN and compare every metric and every file.

    RUN is an id or its first digits, a name, or LAST. It is repeated beside the project's data, which stay unchanged.
    Exits with 0 if all is equal, with 1 if not.
    """
    from mining_the_mines.cli.reproduction import find_differences, read_record, repeat_run
    from mining_the_mines.cli.run_store import project_store
    from mining_the_mines.ledger.code import read_environment
    from mining_the_mines.ledger.comparison import usual_tolerance
    from mining_the_mines.ledger.project_catalog import is_project
    from mining_the_mines.ledger.scratch import remove_scratch
    from mining_the_mines.tracking.runs import find_run

    project = Path.cwd()
    if not is_project(project):
        raise BadInputError(
            f"{project} is no project (it has no pyproject.toml), so that the code and configuration of a run can't be "
            "restored in it: clone the project, and repeat the run there."
        )
    store = project_store(project)
    run = _original(find_run(wanted, store), store)
    record = read_record(run, project)
    differences = find_differences(record, project)
    if differences and not force:
        raise BadInputError(_refusal(run, record, differences))
    devices = {read_environment(project).device, *(node.environment.device for node in record.nodes)}
    allowed = usual_tolerance(devices) if tolerance is None else tolerance
    done = repeat_run(record, project, store, allowed)
    _report(run, done, differences, allowed)
    if done.equal and not keep:
        remove_scratch(done.project, project)
    else:
        click.echo(f"The files of the second run are in {done.project / 'data'}.")
    _tag(done, differences)
    sys.exit(0 if done.equal else 1)


def _original(run: "TrackedFacts", store: "RunStore") -> "TrackedFacts":
    """The run that a reproduction repeated; else the run itself."""
    from mining_the_mines.cli.reproduction import REPRODUCES
    from mining_the_mines.tracking.runs import find_run

    run = find_run(run.tags[REPRODUCES], store) if REPRODUCES in run.tags else run
    if run.status != "FINISHED":
        raise BadInputError(
            f"Run {run.short} ({run.name}) is {run.status.lower()}: only finished runs can be compared."
        )
    return run


def _refusal(run: "TrackedFacts", record: "RunRecord", differences: Sequence["Difference"]) -> str:
    from mining_the_mines.ledger.records import WORKING_TREE

    listed = "\n".join(f"  - {difference}" for difference in differences)
    code = f"git checkout {record.code.commit[:_DIGITS]}"
    if record.code.dirty:
        code += f" and git apply the run's file {WORKING_TREE}"
    return (
        f"Run {run.short} ({run.name}) can't be repeated as it was, because of these differences:\n{listed}\n"
        f"Restore it ({code}, the lock file, the data), or go on with --force, which is noted on the new run."
    )


def _tag(done: "Reproduction", differences: Sequence["Difference"]) -> None:
    """Note the result on the new run; a server that is down by now changes nothing else."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    tags = {
        "reproduction": "equal" if done.equal else "different",
        "reproduced_in_spite_of": "; ".join(map(str, differences))[:_MAX_TAG],
    }
    try:
        client = MlflowClient(done.run.store.address)
        for name, value in tags.items():
            if value:
                client.set_tag(done.run.id, name, value)
    except MlflowException as error:
        click.echo(f"The result could not be noted on run {done.run.short}: {redact(str(error))}", err=True)


def _report(run: "TrackedFacts", done: "Reproduction", differences: Sequence["Difference"], tolerance: float) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for title, rows in (("metric", done.metrics), ("file", done.outputs)):
        unequal = [row for row in rows if row.verdict != "equal"]
        if unequal:
            console.print(_table(title, unequal))
    for difference in differences:
        console.print(f"Forced in spite of another {difference}", markup=False)
    if done.left_out:
        console.print(f"Not repeated, since they read or change the model registry: {', '.join(done.left_out)}.")
    exact, close = (sum(row.verdict == verdict for row in done.outputs) for verdict in ("equal", "close"))
    console.print(
        f"{'EQUAL' if done.equal else 'DIFFERENT'}: run {done.run.short} repeats {run.short} ({run.name}). "
        f"{sum(row.agrees for row in done.metrics)} of {len(done.metrics)} metrics equal "
        f"{f'within {tolerance:g}' if tolerance else 'to the last digit'}, "
        f"{exact} of {len(done.outputs)} files and folders equal"
        + (f"; {close} that networks on an accelerator computed differ." if close else ".")
    )


def _table(title: str, rows: Sequence["Compared"]) -> Any:  # noqa: ANN401 - rich is imported where it is used
    from rich.table import Table

    table = Table(title=f"Differing {title}s", title_justify="left")
    for column in (title, "then", "now", ""):
        table.add_column(column, overflow="fold")
    for row in rows:
        short = (value[:_DIGITS] if title == "file" else value for value in (row.then, row.now))
        table.add_row(row.name, *short, row.verdict)
    return table
