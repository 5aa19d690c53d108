"""The project's command line: Kedro's own, with bad input told in one sentence."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.io.core import VersionNotFoundError
from kedro.validation import ParameterValidationError

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.scenes.discretion import conceal


@click.group(name="mining_the_mines")
def cli() -> None:
    """Commands of this project."""


def plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn an error that the input is to blame for into one sentence."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever Kedro passes
        try:
            return function(*args, **kwargs)
        except Exception as error:
            for cause in causes(error):
                if isinstance(cause, (BadInputError, ParameterValidationError)):
                    raise click.ClickException(conceal(str(cause))) from None
                if isinstance(cause, VersionNotFoundError):
                    raise click.ClickException(
                        "Something that is needed has not been made yet: run the pipelines before this one first, or "
                        f"name a version that exists. ({conceal(' '.join(str(cause).split()))})"
                    ) from None
            raise

    return run


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised from, down to the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


cli.add_command(
    click.Command("run", callback=plainly(kedro_run.callback), params=kedro_run.params, help=kedro_run.help)  # type: ignore[arg-type] # click leaves callback optional
)
