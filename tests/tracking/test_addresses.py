"""Where runs and their artifacts are."""

from pathlib import Path

import pytest

from mining_the_mines.tracking.addresses import EMBEDDED, anchor, artifact_location

PROJECT = Path("/home/me/mines")


@pytest.mark.parametrize(
    ("address", "where"),
    [
        (EMBEDDED, "sqlite:////home/me/mines/data/mlflow/mlflow.db"),
        ("sqlite:////elsewhere/runs.db", "sqlite:////elsewhere/runs.db"),
        ("https://runs.example.org", "https://runs.example.org"),
    ],
)
def test_an_embedded_store_is_the_same_from_whichever_folder_a_command_is_typed(address: str, where: str) -> None:
    assert anchor(address, PROJECT) == where


@pytest.mark.parametrize(
    ("address", "where"),
    [
        (EMBEDDED, "/home/me/mines/data/mlflow/artifacts"),
        ("sqlite:////elsewhere/runs.db", "/elsewhere/artifacts"),
        ("postgresql+psycopg://me@host/runs", "/home/me/mines/data/mlflow/artifacts"),
        ("https://runs.example.org", None),
    ],
)
def test_artifacts_lie_beside_the_store_and_a_server_has_its_own_place(address: str, where: str | None) -> None:
    assert artifact_location(anchor(address, PROJECT), PROJECT) == where
