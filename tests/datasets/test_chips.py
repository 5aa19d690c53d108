"""Folders of chips as the catalog sees them."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from mining_the_mines.chips.cutting import CuttingSettings, cut_chips
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import ChipStream
from mining_the_mines.chips.planes import planes_in_memory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.chips import (
    ChipFolderDataset,
    CutChipsDataset,
    PackedChipsDataset,
    PackedPlanesDataset,
)
from support.chip_files import BANDS, labels_for, write_folder
from support.chip_polygons import outlines_in, square, utm_grid
from support.composites import at, composite_at

NAMES = [f"chip_{number}.tif" for number in range(4)]


def labelled_folder(folder: Path) -> Path:
    write_folder(folder / "images", NAMES)
    labels_for(NAMES).to_csv(folder / "labels.csv", index=False)
    return folder


def test_a_labelled_folder_gives_its_chips_and_labels(tmp_path: Path) -> None:
    folder = ChipFolderDataset(filepath=str(labelled_folder(tmp_path))).load()
    assert list(folder.filenames) == NAMES
    assert folder.labels is not None
    assert folder.labels["label"].tolist() == ["0", "1", "0", "1"]


def packed(folder: Path, archive: Path) -> Path:
    return Path(shutil.make_archive(str(archive.with_suffix("")), "zip", folder))


def test_an_archive_of_a_labelled_folder_gives_the_same(tmp_path: Path) -> None:
    archive = packed(labelled_folder(tmp_path / "chips"), tmp_path / "chips.zip")
    dataset = ChipFolderDataset(filepath=str(archive), unpacked=str(tmp_path / "unpacked"))
    assert dataset.exists()
    folder = dataset.load()
    assert list(folder.filenames) == NAMES
    assert folder.path(NAMES[0]).read_bytes() == (tmp_path / "chips" / "images" / NAMES[0]).read_bytes()
    assert folder.labels is not None


def test_chips_may_lie_in_an_archive_beside_their_labels(tmp_path: Path) -> None:
    place = labelled_folder(tmp_path / "chips")
    packed(place / "images", place / "images.zip")
    shutil.rmtree(place / "images")
    folder = ChipFolderDataset(filepath=str(place), unpacked=str(tmp_path / "unpacked")).load()
    assert list(folder.filenames) == NAMES
    assert folder.images.is_relative_to(tmp_path / "unpacked")


def test_an_unlabelled_folder_needs_no_table(tmp_path: Path) -> None:
    folder = ChipFolderDataset(filepath=str(write_folder(tmp_path, NAMES)), images="", labels=None).load()
    assert folder.labels is None
    assert len(folder.filenames) == 4


def test_the_competitions_table_without_header_is_understood(tmp_path: Path) -> None:
    write_folder(tmp_path, NAMES)
    labels_for(NAMES).to_csv(tmp_path / "answer.csv", index=False, header=False)
    dataset = ChipFolderDataset(filepath=str(tmp_path), images="", labels="answer.csv", label_format={"header": False})
    labels = dataset.load().labels
    assert labels is not None
    assert labels["filename"].tolist() == NAMES


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"There is no folder .*nowhere"):
        ChipFolderDataset(filepath=str(tmp_path / "nowhere")).load()


def test_where_every_chip_has_a_label_the_folder_of_those_without_is_empty(tmp_path: Path) -> None:
    outlines = outlines_in(tmp_path, [square(*at(0, 16), 160)])
    dataset = CutChipsDataset(filepath=str(tmp_path / "chips"))
    dataset.save(cut_chips([composite_at(tmp_path)], outlines, CuttingSettings(size=16)))
    assert len(dataset.load().filenames) == 20
    unlabelled = ChipFolderDataset(filepath=str(tmp_path / "chips" / "unlabelled"), images="", labels=None)
    assert unlabelled.load().filenames == ()


def test_an_empty_folder_that_nobody_cut_is_still_the_wrong_one(tmp_path: Path) -> None:
    (tmp_path / "unlabelled").mkdir()
    folder = ChipFolderDataset(filepath=str(tmp_path / "unlabelled"), images="", labels=None).load()
    with pytest.raises(BadInputError, match=r"holds no \.tif file"):
        _ = folder.filenames


def test_chips_that_were_cut_without_outlines_are_told_to_have_no_labels(tmp_path: Path) -> None:
    dataset = CutChipsDataset(filepath=str(tmp_path / "chips"))
    with pytest.raises(DatasetError, match="cut them first"):
        dataset.load()
    dataset.save(cut_chips([composite_at(tmp_path)], None, CuttingSettings(size=16)))
    with pytest.raises(DatasetError, match=r"have no labels, and training needs them: name outlines"):
        dataset.load()


def test_chips_that_were_handed_over_are_never_written(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="read only"):
        ChipFolderDataset(filepath=str(tmp_path)).save("anything")  # type: ignore[arg-type]


def test_packed_chips_come_back_as_they_went_in(tmp_path: Path) -> None:
    folder = ChipFolder(write_folder(tmp_path / "images", NAMES), pd.DataFrame(labels_for(NAMES)))
    settings = ChipSettings(bands=BANDS)
    stream = ChipStream.accepted(folder, take_inventory(folder, settings), settings)
    dataset = PackedChipsDataset(filepath=str(tmp_path / "packed"))
    assert not dataset.exists()
    dataset.save(stream)
    assert dataset.exists()
    packed = dataset.load()
    assert packed.filenames == tuple(NAMES)
    assert packed.bands == BANDS


def test_planes_come_back_as_they_went_in_and_as_rasters(tmp_path: Path) -> None:
    planes = planes_in_memory(np.eye(4, dtype=np.uint8)[None], ["a.tif"], [utm_grid(4, 4)])
    dataset = PackedPlanesDataset(filepath=str(tmp_path / "masks"), rasters=True)
    assert not dataset.exists()
    dataset.save(planes)
    assert dataset.load().content_hash == planes.content_hash
    assert (tmp_path / "masks" / "rasters" / "a.tif").is_file()
    dataset.save(planes.stream)
    assert dataset.load().content_hash == planes.content_hash
