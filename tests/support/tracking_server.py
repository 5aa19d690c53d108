"""A team's MLflow server on loopback: PostgreSQL, a folder of artifacts, and a process that can be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from mlflow import MlflowClient

from support import postgresql


@dataclass
class TrackingServer:
    """An MLflow server that can be killed and started again.

    Attributes:
        database: SQLAlchemy's address of its database.
        folder: Where its artifacts and its log are.
        port: On which it listens.
    """

    database: str
    folder: Path
    port: int = field(default_factory=postgresql.free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What MLFLOW_TRACKING_URI is set to."""
        return f"http://{postgresql.HOST}:{self.port}"

    @property
    def client(self) -> MlflowClient:
        """Asks it."""
        return MlflowClient(self.address)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        stores = ["--backend-store-uri", self.database, "--artifacts-destination", str(self.folder / "files")]
        where = ["--host", postgresql.HOST, "--port", str(self.port), "--workers", "1"]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        # Its own process group, so that workers die with it.
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *stores, *where],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                env=ours | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},  # it starts sooner
            )
        postgresql.wait_until(lambda: requests.get(f"{self.address}/health", timeout=5).ok, self._process)

    def kill(self) -> None:
        """Kill it and all its workers, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def running(folder: Path) -> Iterator[TrackingServer]:
    """A server that has been started.

    Args:
        folder: Where its artifacts and its log are.
    """
    binaries = postgresql.programs()
    if binaries is None:
        raise FileNotFoundError("PostgreSQL is not installed.")
    with postgresql.cluster(binaries) as port:
        postgresql.create_database(port, "runs")
        server = TrackingServer(f"postgresql+psycopg://{postgresql.USER}@{postgresql.HOST}:{port}/runs", folder)
        try:
            server.start()
            yield server
        finally:
            server.kill()
