"""The command line: Kedro's, with one sentence for bad input, and the project's own commands."""

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from copy import copy
from pathlib import Path
from typing import Any, Final

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.io.core import VersionNotFoundError
from kedro.utils import find_kedro_project
from kedro.validation import ParameterValidationError
from kedro.validation.exceptions import DataValidationError
from pydantic import ValidationError

from mining_the_mines.cli.compare import compare
from mining_the_mines.cli.evidence import evidence
from mining_the_mines.cli.lineage import lineage
from mining_the_mines.cli.parameter_text import parse_parameters
from mining_the_mines.cli.reproduce import reproduce
from mining_the_mines.cli.review import review
from mining_the_mines.cli.send_unsent import send_unsent
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.parameter_errors import describe_parameter_errors, describe_settings_errors
from mining_the_mines.core.redaction import redact
from mining_the_mines.geo.installation import check_installation


@click.group(name="mining_the_mines")
def cli() -> None:
    """Commands of this project."""


def plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Report errors of the input in one sentence; errors of the program keep their stack trace."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever Kedro passes
        try:
            check_installation()  # before a database of coordinates is asked for, which would end in a stack trace
            here = Path.cwd()
            project = find_kedro_project(here) or here
            with chdir(project):
                moved = {name: from_project(kwargs[name], here, project) for name in _WITH_PATHS & kwargs.keys()}
                return function(*args, **(kwargs | moved))
        except Exception as error:
            for cause in causes(error):
                if isinstance(cause, BadInputError):
                    raise click.ClickException(redact(str(cause))) from None
                if isinstance(cause, DataValidationError):
                    raise click.ClickException(describe_table_errors(cause)) from None
                if isinstance(cause, ParameterValidationError):
                    raise click.ClickException(describe_parameter_errors(str(cause))) from None
                if isinstance(cause, ValidationError):
                    raise click.ClickException(describe_settings_errors(cause, cause.title)) from None
                if isinstance(cause, VersionNotFoundError):
                    raise click.ClickException(
                        "An input has not been made yet: run the pipelines before this one first, or name a version "
                        f"that exists. ({redact(' '.join(str(cause).split()))})"
                    ) from None
            raise

    return run


#: Options and arguments that name files.
_WITH_PATHS: Final = {"params", "what", "conf_source", "config", "file", "folder", "import_file"}


def from_project(given: Any, here: Path, project: Path) -> Any:  # noqa: ANN401 - options of any type
    """Make relative paths start at the project's folder, as Kedro and the records of runs take them.

    Args:
        given: Values of the command line.
        here: Folder in which the command was typed.
        project: Folder of the project.

    Returns:
        The same values, and for a text that is the relative path of a file the path from the project. A plain word
        without a separator or a suffix is no path.
    """
    if isinstance(given, Mapping):
        return {name: from_project(value, here, project) for name, value in given.items()}
    if isinstance(given, (list, tuple)):
        return type(given)(from_project(value, here, project) for value in given)
    is_path = isinstance(given, str) and (os.sep in given or bool(Path(given).suffix)) and "://" not in given
    if here == project or not is_path or Path(given).is_absolute() or not (here / given).exists():
        return given
    return os.path.relpath(here / given, project)


def describe_table_errors(error: DataValidationError) -> str:
    """Describe the faults that a schema found in a table."""
    faults = []
    for failure in error.failures:
        examples = ", ".join(str(example) for example in failure.failure_examples[:3])
        place = f"{failure.column}: " if failure.column else ""
        faults.append(f"{place}{failure.check or failure.message}" + (f" (not so: {examples})" if examples else ""))
    told = "; ".join(dict.fromkeys(faults)) or error.message
    return (
        f"The table {error.dataset_name} can't be used: {redact(told)}. Make it anew with its pipeline, or name "
        f"another version with --load-versions={error.dataset_name}:VERSION."
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, down to the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


#: The runner behind ``--only-stale``.
ONLY_STALE = "mining_the_mines.ledger.only_stale.OnlyStaleRunner"


def run(*, only_stale: bool, **options: Any) -> Any:  # noqa: ANN401 - whatever Kedro passes and returns
    """Run pipelines, or only their stale nodes."""
    if only_stale:
        if options.get("runner") or options.get("is_async") or options.get("only_missing_outputs"):
            raise click.UsageError(
                "--only-stale has its own runner: leave out --runner, --async and --only-missing-outputs."
            )
        options["runner"] = ONLY_STALE
    return kedro_run.callback(**options)  # type: ignore[misc] # click leaves callback optional


def _with_text(option: click.Parameter) -> click.Parameter:
    """The option; ``--params`` with values that stay text where a path or a name is wanted."""
    if option.name == "params":
        option = copy(option)
        option.callback = parse_parameters
    return option


cli.add_command(
    click.Command(
        "run",
        callback=plainly(run),
        params=[
            *(_with_text(option) for option in kedro_run.params),
            click.Option(
                ["--only-stale"],
                is_flag=True,
                help="Run only nodes whose code, parameters or inputs have changed since they last ran, by content. "
                "A run that was cut short goes on where it was.",
            ),
        ],
        help=kedro_run.help,
    )
)


def add(command: click.Command) -> None:
    """Add a command of this project."""
    plain = copy(command)
    plain.callback = None if command.callback is None else plainly(command.callback)
    cli.add_command(plain)


add(lineage)
add(send_unsent)
add(compare)
add(reproduce)
add(review)
add(evidence)
