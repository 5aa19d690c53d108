"""What all tests share: where the real chips lie, and what happens without them."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from mining_the_mines.models.complete import MineClassifier
    from support.browser import Browser
    from support.http_servers import FaultyServer

os.environ.setdefault("DO_NOT_TRACK", "1")
# What tests compute is small, and other tests run beside it: threads would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Property tests try few examples, so that the suite is run often.
settings.register_profile("quick", max_examples=20, deadline=None)
settings.load_profile("quick")

PROJECT = Path(__file__).parents[1]
REAL_CHIPS = Path(os.environ.get("REAL_CHIPS", PROJECT.parent / "shared" / "data"))


def pytest_report_header() -> str:
    """Say whether the real chips are there."""
    if REAL_CHIPS.is_dir():
        return f"real chips: {REAL_CHIPS}"
    return f"real chips: none in {REAL_CHIPS}; tests on them are left out (REAL_CHIPS names another folder)"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, up to four: tests wait for servers, disks and a browser now and then."""
    return min(4, (os.cpu_count() or 1) + 1)


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests on real chips out where there are none, but never in continuous integration."""
    _keep_together(items)
    if REAL_CHIPS.is_dir():
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(f"Continuous integration needs the real chips, and there are none in {REAL_CHIPS}.")
    without = [item for item in items if item.get_closest_marker("real_chips")]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]


def _keep_together(items: list[pytest.Item]) -> None:
    """Let one process have all tests that share something expensive: a module's runs, or the default project.

    Whole runs come first, so that no process has one left when the others are done. The default project is the first of
    them: Kedro-Viz keeps the events of all runs of a process, also of those that other tests let fail.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group("default run" if _shares_runs(item) else str(item.path)))
    items.sort(key=lambda item: (not _shares_runs(item), item.get_closest_marker("end_to_end") is None))


def _shares_runs(item: pytest.Item) -> bool:
    return "default_project" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def real_chips() -> Path:
    """Folder of the real Sentinel-2 data."""
    return REAL_CHIPS


@pytest.fixture(scope="session")
def classifier() -> "MineClassifier":
    """A trained classifier; tests replace its parts in copies."""
    from support.classifiers import small_classifier

    return small_classifier()


@pytest.fixture
def server(tmp_path: Path) -> Iterator["FaultyServer"]:
    """A server of the files in the test's folder."""
    from support.http_servers import FaultyServer, files

    with FaultyServer(files(tmp_path)).running() as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium; without it, tests are skipped, but never in continuous integration."""
    from support.browser import program, running

    if program() is None and os.environ.get("CI") != "true":
        pytest.skip("Chromium is not installed (Debian: chromium)")
    with running() as browser:
        yield browser


@pytest.fixture(autouse=True)
def _quiet_rasterio() -> None:
    warnings.filterwarnings("ignore", message="Dataset has no geotransform")
