"""A PostgreSQL of our own on loopback, in a temporary folder, and how servers are waited for."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import requests

HOST: Final = "127.0.0.1"
PATIENCE_SECONDS: Final = 60
USER: Final = "archive"


def programs(extension: str | None = None) -> Path | None:
    """Where PostgreSQL's programs lie.

    Args:
        extension: One that must be installed with it.
    """
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        shared = Path("/usr/share/postgresql") / folder.parent.name / "extension"
        if (folder / "initdb").exists() and (extension is None or (shared / f"{extension}.control").exists()):
            return folder
    return None


@contextmanager
def cluster(binaries: Path) -> Iterator[int]:
    """A cluster in a temporary folder; the port that it listens on."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user, group = _unprivileged()
    if user is not None and group is not None:
        os.chown(folder, user, group)
    port = free_port()
    quick = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
    data = folder / "data"
    log = (folder / "log").open("wb")
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            stdout=log,
            stderr=log,
            cwd=folder,
            user=user,
            group=group,
        )
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-h", HOST, "-p", str(port), "-k", "", *quick],
            stdout=log,
            stderr=log,
            cwd=folder,
            user=user,
            group=group,
        )
        try:
            wait_until(lambda: _connects(port), server)
            yield port
        finally:
            server.terminate()
            server.wait(PATIENCE_SECONDS)
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def create_database(port: int, name: str) -> str:
    """Make a database.

    Args:
        port: Of the cluster.
        name: Of the database.

    Returns:
        How to connect to it.
    """
    with psycopg.connect(connection(port, "postgres"), autocommit=True) as server:
        server.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return connection(port, name)


def connection(port: int, name: str) -> str:
    """How to connect to a database, in libpq's words."""
    return f"host={HOST} port={port} user={USER} dbname={name}"


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until a server is up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
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


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
    return port


def _connects(port: int) -> bool:
    with psycopg.connect(connection(port, "postgres"), connect_timeout=2):
        return True


def _unprivileged() -> tuple[int | None, int | None]:
    """Whom to run PostgreSQL as: it refuses to be run by root."""
    if os.geteuid() != 0:
        return None, None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    somebody = names.get("postgres") or names["nobody"]
    return somebody.pw_uid, somebody.pw_gid
