"""The measurement that kills runs counts the kills that hit one."""

import importlib
import subprocess
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def torture(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, which takes a start for much quicker than Kedro's."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    module = importlib.import_module("torture")
    monkeypatch.setattr(module, "START_SECONDS", 0.2)
    return module


def test_counted_kills(torture: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([60, 60, 0, 0])

    class Sleeping(torture.Place):  # type: ignore[name-defined, misc] # known when it runs
        def start(self, log: Path) -> subprocess.Popen[bytes]:
            log.touch()
            return subprocess.Popen(["sleep", str(next(seconds))], start_new_session=True)

    assert torture._torture(Sleeping(tmp_path, ""), tmp_path / "log.txt", [0.1, 0.2, 0.5, 0.6]) == 2
    assert "kill 3: the run was over before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("measured", "fails"),
    [
        ((10, 10, [], 0), False),
        ((9, 10, [], 0), True),
        ((10, 10, ["folds"], 0), True),
        ((10, 10, [], 1), True),
    ],
)
def test_failures(torture: ModuleType, measured: tuple[int, int, list[str], int], fails: bool) -> None:
    assert torture.failed(*measured) is fails
