"""Runs that are killed in the middle, as by a power cut."""

import signal
import subprocess
import sys
import time
from pathlib import Path


def kill_when(script: str, folder: Path, pattern: str, count: int, *arguments: Path) -> None:
    """Run a script in another process until so many files are there.

    Args:
        script: Python, which may import the modules of tests.
        folder: Folder of the files.
        pattern: Pattern of their paths in it.
        count: Their number.
        arguments: Arguments of the script.
    """
    command = [sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)]
    victim = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    deadline = time.monotonic() + 120
    while len(list(folder.glob(pattern))) < count:
        assert time.monotonic() < deadline
        assert victim.poll() is None
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
