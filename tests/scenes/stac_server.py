"""A real STAC API on loopback: stac-fastapi on PostgreSQL with PostGIS and pgSTAC, in processes of its own."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 60


def programs() -> Path | None:
    """Where PostgreSQL's programs lie, if it is installed with PostGIS."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        extension = Path("/usr/share/postgresql") / folder.parent.name / "extension" / "postgis.control"
        if (folder / "initdb").exists() and extension.exists():
            return folder
    return None


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
    with _postgres(binaries) as database, _api(database) as server:
        yield server


@contextmanager
def _postgres(binaries: Path) -> Iterator[str]:
    """A database in a temporary folder; its connection string."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user, group = _unprivileged()
    if user is not None and group is not None:
        os.chown(folder, user, group)
    port = _free_port()
    quick = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
    data = folder / "data"
    log = (folder / "log").open("wb")
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "archive", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            stdout=log,
            stderr=log,
            cwd=folder,
            user=user,
            group=group,
        )
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-h", _HOST, "-p", str(port), "-k", "", *quick],
            stdout=log,
            stderr=log,
            cwd=folder,
            user=user,
            group=group,
        )
        try:
            _wait(lambda: _connects(port), server)
            with psycopg.connect(_dsn(port, "postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE scenes")
            _pypgstac(_dsn(port, "scenes"), "migrate")
            yield _dsn(port, "scenes")
        finally:
            server.terminate()
            server.wait(_PATIENCE_SECONDS)
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _api(database: str) -> Iterator[StacServer]:
    port = _free_port()
    parts = psycopg.conninfo.conninfo_to_dict(database)
    environment = os.environ | {
        "PGHOST": str(parts["host"]),
        "PGPORT": str(parts["port"]),
        "PGUSER": str(parts["user"]),
        "PGPASSWORD": "none",
        "PGDATABASE": str(parts["dbname"]),
        "DB_MAX_CONN_SIZE": "4",
    }
    command = ["uvicorn", "--factory", "stac_fastapi.pgstac.app:create_app", "--host", _HOST, "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", *command, "--log-level", "warning"], env=environment, cwd=tempfile.gettempdir()
    )
    try:
        _wait(lambda: requests.get(f"http://{_HOST}:{port}/", timeout=5).ok, server)
        yield StacServer(_HOST, port, database)
    finally:
        server.terminate()
        server.wait(_PATIENCE_SECONDS)


def _pypgstac(database: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "pypgstac.pypgstac", *arguments, "--dsn", database]
    subprocess.run(command, check=True, capture_output=True)


def _unprivileged() -> tuple[int | None, int | None]:
    """Whom to run PostgreSQL as: it refuses to be run by root."""
    if os.geteuid() != 0:
        return None, None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    somebody = names.get("postgres") or names["nobody"]
    return somebody.pw_uid, somebody.pw_gid


def _dsn(port: int, name: str) -> str:
    return f"host={_HOST} port={port} user=archive dbname={name}"


def _connects(port: int) -> bool:
    with psycopg.connect(_dsn(port, "postgres"), connect_timeout=2):
        return True


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode} before it was up.")
        try:
            if ready():
                return
        except (psycopg.OperationalError, requests.ConnectionError):
            pass
        time.sleep(0.1)
    raise TimeoutError("The server did not come up.")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        port: int = listener.getsockname()[1]
    return port
