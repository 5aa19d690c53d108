"""Blocks worked on elsewhere, or by a process that dies."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
import numpy as np
import pytest
import rasterio
from distributed import LocalCluster

from mining_the_mines.core.dask_client import DaskSettings, run_blocks
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.scenes.composites import RegionPlan, make_composites, plan_composites
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import CompositingSettings
from support.killed_runs import kill_when
from support.observed_requests import IMPATIENT, Observation, choice_of, clear, month, write_scene


def write_archive(archive: Path) -> None:
    """Three scenes, and the list of them."""
    rng = np.random.default_rng(0)
    items = []
    for number in range(3):
        blue = rng.integers(200, 900, (96, 96)).astype(np.uint16)
        items.append(write_scene(archive, f"s{number}", Observation({"blue": blue}, clear(), month(number + 1))))
    (archive / "scenes.json").write_text(choice_of(items).to_json(), encoding="utf-8")


def plans(archive: Path) -> tuple[RegionPlan, ...]:
    """A composite of nine blocks."""
    choice = SceneSelection.from_json((archive / "scenes.json").read_text(encoding="utf-8"))
    return plan_composites(choice, ("B2",), CompositingSettings(block=32), IMPATIENT)


def blue(folder: Path) -> np.ndarray:
    with rasterio.open(folder / "somewhere.tif") as image:
        return np.asarray(image.read())


def test_cluster(tmp_path: Path) -> None:
    write_archive(tmp_path / "archive")
    region = plans(tmp_path / "archive")
    make_composites(region, tmp_path / "here", DaskSettings())
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        there = DaskSettings(address=cluster.scheduler_address)
        make_composites(region, tmp_path / "there", there)
    np.testing.assert_array_equal(blue(tmp_path / "there"), blue(tmp_path / "here"))


def test_silent_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mining_the_mines.core.dask_client._SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(BadInputError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_blocks(max, 0, [1], DaskSettings(address="tcp://127.0.0.1:9"), lambda: None)


_VICTIM = """
import sys, time
from pathlib import Path
from core.test_dask_client import plans
from mining_the_mines.scenes import composites
from mining_the_mines.core.dask_client import DaskSettings
folder = Path(sys.argv[1])
whole = composites.make_part
def slow(plan, part):
    whole(plan, part)
    time.sleep(0.3)
composites.make_part = slow
composites.make_composites(plans(folder / "archive"), folder / "killed", DaskSettings(workers=1))
"""


def test_killed_run_resumes(tmp_path: Path) -> None:
    write_archive(tmp_path / "archive")
    region = plans(tmp_path / "archive")
    make_composites(region, tmp_path / "undisturbed", DaskSettings())
    kill_when(_VICTIM, tmp_path, "killed/parts/*/*.json", 2, tmp_path)
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("killed/parts/*/*.npy")}
    assert not (tmp_path / "killed" / "somewhere.tif").exists()
    kept: list[int] = []

    @contextmanager
    def counting(total: int, _description: str, /) -> Iterator[Callable[[], None]]:
        kept.append(len(region[0].parts(tmp_path)) - total)
        yield lambda: None

    make_composites(region, tmp_path / "killed", DaskSettings(), counting)
    assert 2 <= kept[0] <= len(done)
    np.testing.assert_array_equal(blue(tmp_path / "killed"), blue(tmp_path / "undisturbed"))


def test_no_worker() -> None:
    with LocalCluster(n_workers=0, processes=True, dashboard_address="127.0.0.1:0") as cluster:
        alone = DaskSettings(address=cluster.scheduler_address, patience_seconds=0.5)
        with pytest.raises(BadInputError, match=r"No worker has come to .* tcp://.* in 0\.5 seconds"):
            run_blocks(max, 0, [1], alone, lambda: None)


@pytest.mark.parametrize(
    ("dead", "said"), [(True, "workers of this machine don't start"), (False, "workers died, and")]
)
def test_workers_that_do_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: bool, said: str) -> None:
    """At first, or in the place of those that died."""
    monkeypatch.setattr("mining_the_mines.core.dask_client._SECONDS_WITHOUT_WORKERS", 1)
    flag, preload = tmp_path / "dead", tmp_path / "preload.py"
    preload.write_text(f"import os\nif os.path.exists({str(flag)!r}): os._exit(1)\n", encoding="utf-8")
    if dead:
        flag.touch()

    def die(_shared: None, _task: int) -> None:  # workers get it as it is, not by its module's name
        flag.touch()
        os._exit(1)

    with dask.config.set({"distributed.worker.preload": [str(preload)]}), pytest.raises(BadInputError, match=said):
        run_blocks(die, None, [1], DaskSettings(workers=1, processes=True), lambda: None)
