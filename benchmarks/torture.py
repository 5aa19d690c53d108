"""Compares a run that was killed many times with an undisturbed one.

The default run is made once without disturbance, then in another folder with ``kill -9`` at random moments; after each
kill it is started again with ``--only-stale``. At the end every output is compared by content with the undisturbed
run's, every dataset is loaded, and unfinished drafts are counted. Prints each kill with the node that it hit, and the
total time as a ratio of the undisturbed run. Fails if an output differs or can't be loaded, if drafts are left, or if
fewer kills hit a run than were asked for.

    make torture
    python benchmarks/torture.py [--kills 10] [--seed 0] [--params KEY=VALUE,…] [--calm PROJECT]
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DatasetError

from mining_the_mines.ledger.records import Ledger, RunRecord

PROJECT = Path(__file__).parents[1]
#: Folder of the ledger in the default environment.
LEDGER = "data/simulated/ledger"
#: Time of a command before its first node, while libraries are imported.
START_SECONDS = 8


@dataclass(frozen=True)
class Place:
    """A copy of the project without data.

    Attributes:
        folder: The copy.
        parameters: For ``--params``.
    """

    folder: Path
    parameters: str

    def start(self, log: Path) -> subprocess.Popen[bytes]:
        """Start a run that goes on where another one was."""
        options = [f"--params={self.parameters}"] if self.parameters else []
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "kedro", "run", "--only-stale", *options],
                cwd=self.folder,
                env={**os.environ, "DO_NOT_TRACK": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self, log: Path) -> None:
        """Let a run come to its end."""
        if self.start(log).wait() != 0:
            sys.exit(f"A run failed: {log}")

    @property
    def done(self) -> int:
        """How many nodes have been written down."""
        return len(list((self.folder / LEDGER / "nodes").glob("*/*.json")))

    def record(self) -> RunRecord:
        """What the last run that came to an end was made of."""
        newest = max((self.folder / LEDGER / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime)
        record = Ledger(self.folder / LEDGER).run(newest.stem)
        if record is None:
            sys.exit(f"{newest} can't be read.")
        return record


def main() -> None:
    """Torture and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--params", default="")
    parser.add_argument("--calm", type=Path, help="a project in which the same run has been made in peace")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture_") as name:
        killed, log = _copy(Path(name) / "killed", arguments.params), Path(name) / "log.txt"
        if arguments.calm is None:
            calm = _copy(Path(name) / "calm", arguments.params)
            calm.finish(log)
        else:
            calm = Place(arguments.calm.absolute(), arguments.params)
        undisturbed = START_SECONDS + sum(node.seconds for node in calm.record().nodes)
        print(f"undisturbed: {undisturbed:.0f} s, {len(calm.record().nodes)} nodes", flush=True)
        start = time.perf_counter()
        moments = draw_moments(undisturbed, arguments.kills, random.Random(arguments.seed))  # noqa: S311 - no secret
        kills = _torture(killed, log, moments)
        took = time.perf_counter() - start
        unequal, unread, drafts = _compare(calm.record(), killed.record()), _read(killed), _drafts(killed)
        print(
            f"{kills} of {arguments.kills} kills: {took:.0f} s, {took / undisturbed:.2f} × undisturbed; "
            f"{len(killed.record().outputs())} outputs, {len(unequal)} differ {unequal or ''}; "
            f"{len(unread)} can't be read {unread or ''}; {drafts} unfinished drafts lie about"
        )
        sys.exit(1 if failed(kills, arguments.kills, [*unequal, *unread], drafts) else 0)


def failed(hits: int, kills: int, harmed: Sequence[str], drafts: int) -> bool:
    """Whether a claim does not hold, or was not put to the test.

    Args:
        hits: Kills that hit a run.
        kills: Kills that were asked for.
        harmed: Datasets that differ or can't be read.
        drafts: Unfinished files that lie about.
    """
    return hits < kills or bool(harmed) or drafts > 0


def _copy(folder: Path, parameters: str) -> Place:
    folder.mkdir()
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(PROJECT / name, folder)
    for name in ("conf", "src"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "local"))
    (folder / "conf/local").mkdir()
    (folder / "data").mkdir()
    return Place(folder, parameters)


def draw_moments(undisturbed: float, kills: int, generator: random.Random) -> list[float]:
    """Moments spread over all of a run, each of them before its last node is likely to be done.

    Args:
        undisturbed: Seconds that the run takes, its start among them.
        kills: How many moments.
        generator: Draws them.

    Returns:
        Seconds of work, without the start, in order.
    """
    # The run's own start is no work, and its end is spared: whoever goes on finds a little more done than thought.
    latest = max(undisturbed - 2 * START_SECONDS, undisturbed / 2)
    return sorted(generator.uniform(0, latest) for _ in range(kills))


def _torture(place: Place, log: Path, moments: list[float]) -> int:
    """Kill a run at each of the moments, then let it come to its end; returns how many kills hit one."""
    before, kills = 0.0, 0
    for number, moment in enumerate(moments, start=1):
        run = place.start(log)
        time.sleep(moment - before + START_SECONDS)
        if run.poll() is not None:
            if run.returncode != 0:
                sys.exit(f"A run failed: {log}")
            print(f"kill {number}: the run was over before, and nothing is left to be killed", flush=True)
            break
        os.killpg(run.pid, signal.SIGKILL)
        # One that came to its end in between was not killed.
        kills += run.wait() == -signal.SIGKILL
        print(f"kill {number} at {moment:.0f} s: {place.done} nodes written down, last line: {_last(log)}", flush=True)
        before = moment
    place.finish(log)
    return kills


def _last(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    running = [line for line in lines if "Running node: " in line or "Completed node: " in line]
    return running[-1].split("INFO")[-1].strip() if running else "none"


def _compare(calm: RunRecord, killed: RunRecord) -> list[str]:
    """Names of the datasets that hold something else, or that only one run has."""
    wanted, found = ({name: state.content_hash for name, state in run.outputs().items()} for run in (calm, killed))
    return sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))


def _read(place: Place) -> list[str]:
    """Names of the datasets that can't be read."""
    bootstrap_project(place.folder)
    os.chdir(place.folder)
    bad = []
    with KedroSession.create(place.folder) as session:
        catalog = session.load_context().catalog  # type: ignore[attr-defined] # of the session that one works with
        for name in place.record().outputs():
            try:
                catalog.load(name)
            except DatasetError as error:  # Kedro's word for whatever stops a dataset
                bad.append(f"{name} ({error})")
    os.chdir(PROJECT)
    return bad


def _drafts(place: Place) -> int:
    return sum(1 for path in (place.folder / "data").rglob(".*") if path.name != ".gitkeep")


if __name__ == "__main__":
    main()
