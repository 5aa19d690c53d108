"""``mlflow models serve`` on loopback, in a process that can't import this package."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

PATIENCE_SECONDS = 120


@contextmanager
def served(model: Path, folder: Path) -> Iterator[str]:
    """Serve a model folder until the block ends.

    Args:
        model: As ``save_served_model`` wrote it.
        folder: For the log and for what hides this package.

    Yields:
        The address that takes chips.
    """
    hiding = folder / "hiding"
    hiding.mkdir()
    (hiding / "mining_the_mines.py").write_text("raise ImportError('not here')", encoding="utf-8")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(hiding), "PATH": programs, "OMP_NUM_THREADS": "1"}
    port = _free_port()
    command = ["mlflow", "models", "serve", "-m", str(model), "-h", "127.0.0.1", "-p", str(port), "--env-manager=local"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_for(f"http://127.0.0.1:{port}/ping", server)
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(server.pid, 15)
            server.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise TimeoutError(f"{address} does not answer.")
