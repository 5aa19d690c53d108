"""A real STAC API on loopback: stac-fastapi on PostgreSQL with PostGIS and pgSTAC, in processes of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests

from support import postgresql


def programs() -> Path | None:
    """Where PostgreSQL's programs lie, if it is installed with PostGIS."""
    return postgresql.programs("postgis")


@dataclass(frozen=True)
class StacServer:
    """An API that runs.

    Attributes:
        host: Where it listens.
        port: On which port.
        database: How to connect to its database.
    """

    host: str
    port: int
    database: str

    def load(self, collections: Sequence[dict[str, Any]], items: Sequence[dict[str, Any]]) -> None:
        """Put collections and items into its database."""
        for table, rows in (("collections", collections), ("items", items)):
            with tempfile.NamedTemporaryFile("w", suffix=".ndjson", delete=False) as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
            try:
                _pypgstac(self.database, "load", table, file.name, "--method", "upsert")
            finally:
                Path(file.name).unlink()


@contextmanager
def running() -> Iterator[StacServer]:
    """Start database and API, and stop both."""
    binaries = programs()
    if binaries is None:
        raise FileNotFoundError("PostgreSQL with PostGIS is not installed.")
    with postgresql.cluster(binaries) as port:
        database = postgresql.create_database(port, "scenes")
        _pypgstac(database, "migrate")
        with _api(database) as server:
            yield server


@contextmanager
def _api(database: str) -> Iterator[StacServer]:
    port = postgresql.free_port()
    parts = psycopg.conninfo.conninfo_to_dict(database)
    environment = os.environ | {
        "PGHOST": str(parts["host"]),
        "PGPORT": str(parts["port"]),
        "PGUSER": str(parts["user"]),
        "PGPASSWORD": "none",
        "PGDATABASE": str(parts["dbname"]),
        "DB_MAX_CONN_SIZE": "4",
    }
    command = ["uvicorn", "--factory", "stac_fastapi.pgstac.app:create_app", "--log-level", "warning"]
    where = ["--host", postgresql.HOST, "--port", str(port)]
    server = subprocess.Popen([sys.executable, "-m", *command, *where], env=environment, cwd=tempfile.gettempdir())
    try:
        postgresql.wait_until(lambda: requests.get(f"http://{postgresql.HOST}:{port}/", timeout=5).ok, server)
        yield StacServer(postgresql.HOST, port, database)
    finally:
        server.terminate()
        server.wait(postgresql.PATIENCE_SECONDS)


def _pypgstac(database: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "pypgstac.pypgstac", *arguments, "--dsn", database]
    subprocess.run(command, check=True, capture_output=True)
