"""Tables between pipelines are checked by the catalog when they are read and written."""

from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro.validation.exceptions import DataValidationError

from mining_the_mines.cli import plainly

FOLDS = pd.DataFrame(
    {
        "filename": ["a.tif", "b.tif", "c.tif"],
        "label": pd.array([1, 0, pd.NA], dtype="Int64"),
        "category": ["mine", "forest", "forest"],
        "longitude": [-60.0, -59.0, float("nan")],
        "latitude": [-5.0, -5.0, float("nan")],
        "place": ["p0", "p0", "p1"],
        "split": ["train", "train", "test"],
        "fold": pd.array([0, 0, pd.NA], dtype="Int64"),
    }
)
FEATURES = pd.DataFrame({"NDVI_mean": [0.1, float("nan")]}, index=pd.Index(["a.tif", "b.tif"], name="filename"))


def catalog(folder: Path, schema: str) -> DataCatalog:
    """A catalog with one table."""
    entry: dict[str, Any] = {
        "type": "mining_the_mines.datasets.files.ParquetTable",
        "filepath": str(folder / "table.parquet"),
        "validator": f"mining_the_mines.datasets.schemas.{schema}",
    }
    return DataCatalog.from_config({"table": entry})


def test_folds_come_back(tmp_path: Path) -> None:
    held = catalog(tmp_path, "FOLDS")
    held.save("table", FOLDS)
    assert held.load("table")["fold"].tolist()[:2] == [0, 0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": pd.array([2, 0, 0], dtype="Int64")}, "label: isin"),
        ({"latitude": [91.0, 0.0, 0.0]}, "latitude: in_range"),
        ({"filename": ["a.tif", "a.tif", "c.tif"]}, "filename: "),
        ({"split": ["train", "train", "training"]}, "split: isin"),
        ({"fold": pd.array([0, pd.NA, pd.NA], dtype="Int64")}, "training chips have a fold, test chips have none"),
        ({"fold": pd.array([0, 1, pd.NA], dtype="Int64")}, "chips of one place are in one fold"),
    ],
    ids=["label", "coordinate", "duplicate", "split", "no fold", "place in two folds"],
)
def test_faults_in_folds(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(
        click.ClickException, match=r"^The table table can't be used: .*--load-versions=table:VERSION"
    ) as told:
        plainly(catalog(tmp_path, "FOLDS").save)("table", FOLDS.assign(**change))
    assert said in told.value.message
    assert not (tmp_path / "table.parquet").exists()


def test_missing_column(tmp_path: Path) -> None:
    with pytest.raises(DataValidationError, match="place"):
        catalog(tmp_path, "FOLDS").save("table", FOLDS.drop(columns="place"))


def test_features(tmp_path: Path) -> None:
    held = catalog(tmp_path, "FEATURES")
    held.save("table", FEATURES.astype("float32"))
    with pytest.raises(DataValidationError, match="features are float32"):
        held.save("table", FEATURES)
    with pytest.raises(DataValidationError, match="finite or NaN"):
        held.save("table", FEATURES.assign(NDVI_mean=float("inf")).astype("float32"))
