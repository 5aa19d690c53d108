"""Maps made by other processes, or by ones that die."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from distributed import LocalCluster

from mining_the_mines.core.dask_client import DaskSettings, connect
from mining_the_mines.core.errors import UnwritableError
from mining_the_mines.mapping.completion import waiting_parts
from mining_the_mines.mapping.plan import ScenePlan
from mining_the_mines.mapping.scene_maps import make_maps
from mining_the_mines.mapping.settings import TilingSettings
from support.killed_runs import kill_when
from support.scene_files import ground, plan_scene, scene_at, store_model, torn_corner, write_scene

ONE = DaskSettings(workers=1)
TILING = TilingSettings(band_rows=40)


def write_archive(folder: Path) -> None:
    """Two scenes of a few bands of rows each, and the model."""
    for number in range(2):
        write_scene(folder / f"s{number}.tif", ground(140, 50, number, torn_corner(140, 50)))
    store_model(folder / "model")


def plans_of(folder: Path, pause: float = 0.0) -> list[ScenePlan]:
    stored = store_model(folder / "model", pause=pause)
    return [plan_scene(scene_at(folder / f"s{number}.tif"), stored, tiling=TILING) for number in range(2)]


def files(folder: Path) -> dict[str, bytes]:
    """What was made, but for records, which hold paths."""
    made = [path for path in folder.rglob("*") if path.suffix in {".tif", ".gpkg", ".parquet", ".jpg"}]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in made}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder)
    return folder


@pytest.fixture(scope="module")
def expected(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one thread makes."""
    folder = tmp_path_factory.mktemp("expected")
    make_maps(plans_of(archive), [], folder, ONE)
    made = files(folder)
    assert len(made) == 8
    return made


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A scheduler and two workers, each a process of its own."""
    loopback = "127.0.0.1:0"
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=loopback,
        worker_dashboard_address=loopback,
    ) as running:
        yield running


def test_processes(archive: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    make_maps(plans_of(archive), [], tmp_path, DaskSettings(workers=1, processes=True))
    assert files(tmp_path) == expected


def test_dying_worker(archive: Path, expected: dict[str, bytes], cluster: LocalCluster, tmp_path: Path) -> None:
    (archive / "model" / "poison").touch()
    make_maps(plans_of(archive), [], tmp_path, DaskSettings(address=cluster.scheduler_address))
    assert not list((archive / "model").glob("poison*"))
    assert files(tmp_path) == expected


def test_deadly_scene(archive: Path, cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deadly, good = plans_of(archive)
    make_maps([good], [], tmp_path, ONE)
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    (archive / "model" / "poison").touch()
    maps = make_maps([deadly, good], [], tmp_path, DaskSettings(address=cluster.scheduler_address))
    assert [found.name for found in maps.maps] == ["s1"]
    ((scene, reason),) = [(failed.scene, failed.reason) for failed in maps.unmapped]
    assert scene == "s0"
    assert reason.startswith("Workers died again and again while they mapped s0, ")


@pytest.mark.parametrize("step", [1, 2, 3])
def test_killed_while_replacing(archive: Path, tmp_path: Path, step: int) -> None:
    (plan, _), maps = plans_of(archive), tmp_path / "maps"
    make_maps([plan], [], maps, ONE)
    expected = files(maps)
    other = plan_scene(plan.probability.scene, store_model(archive / "model"), tiling=TilingSettings(band_rows=90))
    drafts = other.parts(maps)[0].path.parent
    # what lies there after so many of: the draft is written, the old map steps aside, the new one takes its place
    (drafts / ".s0.0123abcd").mkdir(parents=True)
    if step > 1:
        (maps / "s0").replace(drafts / ".s0.0123abcd.old")
    if step > 2:
        shutil.copytree(drafts / ".s0.0123abcd.old", maps / "s0")
    made = [] if step == 3 else [path.stat().st_mtime_ns for path in maps.rglob("mines.gpkg")]
    make_maps([plan], [], maps, ONE)
    assert files(maps) == expected
    assert {path.name for path in maps.iterdir()} == {"s0"}
    assert step == 3 or [path.stat().st_mtime_ns for path in maps.rglob("mines.gpkg")] == made


def test_finished_maps_stay(archive: Path, tmp_path: Path) -> None:
    waiting, done = plans_of(archive)
    make_maps([done], [], tmp_path, ONE)
    made = (tmp_path / "s1" / "map.json").stat().st_mtime_ns
    (tmp_path / ".parts").write_text("where parts belong")
    with pytest.raises(UnwritableError, match=r"can't be written"):
        make_maps([waiting, done], [], tmp_path, ONE)
    (tmp_path / ".parts").unlink()
    assert len(make_maps([waiting, done], [], tmp_path, ONE).maps) == 2
    assert (tmp_path / "s1" / "map.json").stat().st_mtime_ns == made


def test_local_cluster_listens_on_loopback() -> None:
    with connect(ONE):
        listening = [found.laddr for found in psutil.Process().net_connections() if found.status == "LISTEN"]
    assert {address.ip for address in listening} <= {"127.0.0.1"}


def map_slowly(archive: Path, maps: Path) -> None:
    """Map so slowly that there is time to be killed."""
    make_maps(plans_of(archive, pause=0.15), [], maps, ONE)


def _parts(plans: Sequence[ScenePlan], folder: Path) -> int:
    return sum(len(waiting_parts(plan, folder)) for plan in plans)


_VICTIM = """
import sys
from pathlib import Path
from mapping.test_clusters import map_slowly
map_slowly(*map(Path, sys.argv[1:]))
"""


def test_killed_run_resumes(archive: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    kill_when(_VICTIM, maps, ".parts/*/*.npy", 3, archive, maps)
    plans = plans_of(archive)
    bands = sum(len(plan.probability.bands) for plan in plans)
    done = {path: path.stat().st_mtime_ns for path in maps.glob(".parts/*/[!.]*.npy")}
    assert not list(maps.glob("s*"))
    assert _parts(plans, maps) == bands - len(done) < bands
    make_maps(plans, [], maps, ONE)
    assert files(maps) == expected
    assert not (maps / ".parts").exists()
