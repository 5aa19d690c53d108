"""Files of runs in a project that was moved or copied with its embedded store, which knows whole paths only."""

import sqlite3
from contextlib import closing
from pathlib import Path

from mining_the_mines.tracking.addresses import artifact_location, embedded_file


def beside_the_store(address: str, run_id: str, path: str) -> Path | None:
    """Find a file of a run where the project lies now.

    Args:
        address: Of the store, as :func:`mining_the_mines.tracking.addresses.anchor` gives it.
        run_id: Of the run.
        path: Of the file or folder among the run's artifacts.

    Returns:
        Where it lies beside the embedded store; ``None`` if it does not, or if the store is another one.
    """
    place = None if embedded_file(address) is None else artifact_location(address, Path())
    moved = None if place is None else Path(place, run_id, "artifacts", path)
    return moved if moved is not None and moved.exists() else None


def follow_project(address: str, experiment_id: str, place: str) -> None:
    """Have the files of new runs laid where the project keeps them now; those of older ones stay where they are.

    MLflow offers no way to change where an experiment's files go, so this writes to its table ``experiments``.

    Args:
        address: Of the store; one that is not embedded is left alone.
        experiment_id: MLflow's experiment.
        place: Where its files are to lie, as MLflow writes it.
    """
    store = embedded_file(address)
    if store is None:
        return
    with closing(sqlite3.connect(store)) as database, database:
        database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (place, int(experiment_id))
        )
