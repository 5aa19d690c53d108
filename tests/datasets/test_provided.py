"""Files that people hand over, as the catalog sees them."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DatasetError

from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.datasets.provided import (
    ChipPlacesDataset,
    DatedMinesDataset,
    MinePolygonsDataset,
    NamedAreasDataset,
    ProvidedFileDataset,
)
from mining_the_mines.ledger.states import content_of
from support.chip_polygons import square, write_layer
from support.scene_maps import field, write_areas

KINDS = (MinePolygonsDataset, DatedMinesDataset, NamedAreasDataset, ChipPlacesDataset)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beside", [None, "nowhere/concessions.geojson"])
def test_no_file(kind: type[ProvidedFileDataset[Any]], beside: str | None) -> None:
    dataset = kind(filepath=None, beside=beside)
    assert dataset.exists()
    assert dataset.load() is None


@pytest.mark.parametrize("kind", KINDS)
def test_missing_and_read_only(tmp_path: Path, kind: type[ProvidedFileDataset[Any]]) -> None:
    dataset = kind(filepath=str(tmp_path / "gone.gpkg"))
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=r"gone\.gpkg"):
        dataset.load()
    with pytest.raises(DatasetError, match="read only"):
        dataset.save("anything")  # type: ignore[arg-type]


def test_layers_of_polygons(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [square(500_000, 9_399_900, 50)], layer="old")
    write_layer(path, [square(500_200, 9_399_900, 50), square(500_300, 9_399_900, 50)], layer="new")
    dataset = MinePolygonsDataset(filepath=f"{path}|layername=new")
    part = dataset.load()
    assert part is not None
    assert len(part) == 2
    assert dataset.exists()
    assert len(dataset.preview()["data"]) == 2
    other = MinePolygonsDataset(filepath=f"{path}|layername=old")
    hashes = ContentHashes()
    assert content_of(dataset, path, hashes) != content_of(other, path, hashes)


def test_polygons_are_read_once_until_released(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [square(500_000, 9_399_900, 50)])
    dataset = MinePolygonsDataset(filepath=str(path))
    first = dataset.load()
    assert dataset.load() is first
    dataset.release()
    assert dataset.load() is not first


def test_named_areas_win(tmp_path: Path) -> None:
    beside = write_areas(tmp_path / "beside.gpkg", [("beside", field(0, 0, 100))])
    named = write_areas(tmp_path / "named.gpkg", [("named", field(0, 0, 100))], column="titular")
    found = NamedAreasDataset(filepath=None, beside=str(beside)).load()
    assert found is not None
    assert (found.names, found.named) == (("beside",), False)
    found = NamedAreasDataset(filepath=str(named), beside=str(beside), name_column="titular").load()
    assert found is not None
    assert (found.names, found.named) == (("named",), True)


def test_places_of_chips(tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    table.write_text("longitude,latitude,name\n-55.1,-7.2,here\n")
    places = ChipPlacesDataset(filepath=str(table)).load()
    assert places is not None
    assert places.names == ("here",)
