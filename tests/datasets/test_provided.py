"""Vector files as the catalog sees them."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from mining_the_mines.datasets.provided import MinePolygonsDataset
from support.chip_polygons import square, write_layer


def test_layers(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [square(500_000, 9_399_900, 50)], layer="old")
    write_layer(path, [square(500_200, 9_399_900, 50), square(500_300, 9_399_900, 50)], layer="new")
    assert MinePolygonsDataset(filepath=str(path)).exists()
    whole, part = (
        MinePolygonsDataset(filepath=str(path)).load(),
        MinePolygonsDataset(filepath=str(path), layers=["new"]).load(),
    )
    assert whole is not None
    assert part is not None
    assert (len(whole), len(part)) == (3, 2)


def test_no_file() -> None:
    dataset = MinePolygonsDataset(filepath=None)
    assert dataset.exists()
    assert dataset.load() is None


def test_read_once_until_released(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [square(500_000, 9_399_900, 50)])
    dataset = MinePolygonsDataset(filepath=str(path))
    first = dataset.load()
    assert dataset.load() is first
    dataset.release()
    assert dataset.load() is not first


def test_missing_file(tmp_path: Path) -> None:
    dataset = MinePolygonsDataset(filepath=str(tmp_path / "none.gpkg"))
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=r"none\.gpkg does not exist: check where the polygons lie"):
        dataset.load()


def test_read_only(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="read only"):
        MinePolygonsDataset(filepath=str(tmp_path / "mines.gpkg")).save("anything")  # type: ignore[arg-type]
