"""Errors of the input are told apart from errors of the program."""

import click
import pytest
from kedro.io import DatasetError

from mining_the_mines.cli import plainly
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.store import StoreSettings


def fail_deep_down() -> None:
    try:
        raise BadInputError("chip.tif is empty: give a whole file.")
    except BadInputError as error:
        raise DatasetError("Failed while loading") from error


def test_bad_input() -> None:
    with pytest.raises(click.ClickException, match=r"^chip.tif is empty: give a whole file\.$"):
        plainly(fail_deep_down)()


def test_error_of_the_program() -> None:
    with pytest.raises(ZeroDivisionError):
        plainly(lambda: 1 / 0)()


def test_refused_settings() -> None:
    with pytest.raises(click.ClickException, match=r"^StoreSettings can't be used: there is no token\.$"):
        plainly(lambda: StoreSettings.model_validate({"token": "hunter2"}))()
