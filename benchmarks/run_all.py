"""Runs every benchmark in turn, and tells limits that were missed from benchmarks that could not run.

A script is a benchmark if it can be started; ``torture.py`` takes an hour and has a command of its own,
``travel.py`` takes hours, part by part, and ``monitoring_rule.py``, ``novelty.py`` and ``site_rivals.py`` read what
other runs leave. It ends with 0 where its limits are kept and with 1 where one is missed; with 2, or with a traceback,
it could not run.

    make bench
    python benchmarks/run_all.py [FOLDER]
"""

import subprocess
import sys
from pathlib import Path

LEFT_OUT = {Path(__file__).name, "monitoring_rule.py", "novelty.py", "site_rivals.py", "torture.py", "travel.py"}
MISSED = 1


def main(folder: Path) -> int:
    """Run all benchmarks of a folder, and say in the end which missed a limit, and which could not run and why."""
    missed, failed = [], []
    for script in benchmarks(folder):
        print(f"== {script}", flush=True)
        status, reason = run(script)
        if status == MISSED and not reason:
            missed.append(str(script))
        elif status:
            failed.append(f"{script} could not run: {reason}")
    if missed:
        print(f"Limits missed: {', '.join(missed)}")
    for sentence in failed:
        print(sentence)
    return 1 if missed or failed else 0


def benchmarks(folder: Path) -> list[Path]:
    """Scripts that can be started; others are parts of them."""
    return [
        script
        for script in sorted(folder.glob("*.py"))
        if script.name not in LEFT_OUT and '\nif __name__ == "__main__":' in script.read_text(encoding="utf-8")
    ]


def run(script: Path) -> tuple[int, str]:
    """Run one.

    Args:
        script: The benchmark.

    Returns:
        Its exit status, and why it could not run; empty where it could.
    """
    told = []
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            told.append(line.strip())
    could = process.returncode in {0, MISSED} and not any(line.startswith("Traceback (") for line in told)
    last = next((line for line in reversed(told) if line), f"it ended with status {process.returncode}")
    return process.returncode, "" if could else last


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent))
