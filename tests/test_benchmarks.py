"""What `make bench` says of benchmarks."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
STARTED = '\nimport sys\n\nif __name__ == "__main__":\n    {}\n'


@pytest.fixture
def run_all(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("run_all")


def test_missed_limits_and_failures(run_all: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ends = {
        "kept": "sys.exit(0)",
        "missed": "sys.exit(1)",
        "lacking": "sys.stderr.write('no data\\n'); sys.exit(2)",
        "broken": "1 / 0",
    }
    for name, end in ends.items():
        (tmp_path / f"{name}.py").write_text(STARTED.format(end))
    (tmp_path / "part.py").write_text("raise SystemExit(1)\n")
    assert run_all.main(tmp_path) == 1
    told = capfd.readouterr().out.splitlines()
    assert told[-3:] == [
        f"Limits missed: {tmp_path / 'missed.py'}",
        f"{tmp_path / 'broken.py'} could not run: ZeroDivisionError: division by zero",
        f"{tmp_path / 'lacking.py'} could not run: no data",
    ]


def test_kept_limits(run_all: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(STARTED.format("sys.stderr.write('a warning'); sys.exit(0)"))
    assert run_all.main(tmp_path) == 0


def test_claims_in_the_docs(run_all: ModuleType) -> None:
    page = (BENCHMARKS.parent / "docs/benchmarks.md").read_text(encoding="utf-8")
    scripts = {script.name for script in run_all.benchmarks(BENCHMARKS)}
    assert "competition_chips.py" not in scripts
    assert {name for name in {*scripts, "torture.py"} if f"python benchmarks/{name}" not in page} == set()
