"""Tables, values and texts appear whole or not at all."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DatasetError, Version

from mining_the_mines.datasets.files import CsvTable, JsonFile, OptionalJsonFile, ParquetTable, TextFile

TABLE = pd.DataFrame({"filename": ["a.tif", "b.tif"], "probability": [0.25, 0.75]})
CASES: list[tuple[Callable[..., Any], str, Any]] = [
    (CsvTable, "table.csv", TABLE),
    (ParquetTable, "table.parquet", TABLE),
    (JsonFile, "values.json", {"threshold": 0.5}),
    (TextFile, "page.html", "<html>é</html>"),
]


@pytest.mark.parametrize(("dataset", "name", "data"), CASES)
@pytest.mark.parametrize("version", [None, Version(None, "2026-01-01T00.00.00.000Z")])
def test_save_and_load(
    tmp_path: Path, dataset: Callable[..., Any], name: str, data: object, version: Version | None
) -> None:
    file = dataset(filepath=str(tmp_path / name), version=version)
    file.save(data)
    loaded = file.load()
    if isinstance(data, pd.DataFrame):
        pd.testing.assert_frame_equal(loaded, data)
    else:
        assert loaded == data


def test_failed_save_keeps_the_old_file(tmp_path: Path) -> None:
    file = JsonFile(filepath=str(tmp_path / "values.json"))
    file.save({"kept": True})
    with pytest.raises(DatasetError):
        file.save({"broken": object()})
    assert file.load() == {"kept": True}
    assert [path.name for path in tmp_path.iterdir()] == ["values.json"]


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(DatasetError, match="can't be written"):
        CsvTable(filepath=str(tmp_path / "taken" / "table.csv")).save(TABLE)


def test_full_disk(tmp_path: Path) -> None:
    code = f"""
import resource, signal, sys
import pandas as pd
from mining_the_mines.datasets.files import CsvTable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    CsvTable(filepath={str(tmp_path / "table.csv")!r}).save(pd.DataFrame({{"a": range(100_000)}}))
except Exception as error:
    sys.exit(str(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "table.csv can't be written" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_optional_values(tmp_path: Path) -> None:
    dataset = OptionalJsonFile(filepath=str(tmp_path / "regions.json"))
    assert dataset.load() is None
    dataset.save([{"region": "tapajos"}])
    assert dataset.load() == [{"region": "tapajos"}]


def test_an_optional_table_is_none_before_the_first_save(tmp_path: Path) -> None:
    table = CsvTable(filepath=str(tmp_path / "table.csv"), optional=True)
    assert table.load() is None
    table.save(pd.DataFrame({"value": [1]}))
    assert len(table.load()) == 1
