"""Empty MLflow stores; MLflow takes seconds to make the tables of a new one."""

import os
import shutil
import tempfile
from pathlib import Path

import mlflow


def make_store(database: Path) -> Path:
    """Copy an empty store to a file that does not exist yet."""
    if not database.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_template(), database)
    return database


def _template() -> Path:
    """The store that others are copied from, made once a version of MLflow."""
    path = Path(tempfile.gettempdir()) / f"mlflow-{mlflow.__version__}-{os.getuid()}-empty.db"
    if not path.is_file():
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            draft = Path(folder) / "mlflow.db"
            mlflow.MlflowClient(f"sqlite:///{draft}").search_experiments()
            draft.replace(path)
    return path
