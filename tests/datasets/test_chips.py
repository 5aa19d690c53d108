"""Folders of chips as the catalog sees them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io import DatasetError

from mining_the_mines.chips.archives import ZippedChips, open_chips
from mining_the_mines.chips.cutting import CuttingSettings, cut_chips
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import pack_chips
from mining_the_mines.chips.planes import planes_in_memory, write_planes
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.datasets.chips import (
    ChipFolderDataset,
    CutChipsDataset,
    PackedChipsDataset,
    PackedPlanesDataset,
    SegmentedChipsDataset,
)
from mining_the_mines.mapping.chip_segmentation import segment_folder
from mining_the_mines.mapping.settings import VectorSettings
from support.chip_files import BANDS, labels_for, write_folder
from support.chip_polygons import outlines_in, square, utm_grid
from support.composites import at, composite_at
from support.segmenters import BrightnessSegmenter, mixed_folder

NAMES = [f"chip_{number}.tif" for number in range(4)]
SETTINGS = CuttingSettings(size=16)


def labelled_folder(folder: Path) -> Path:
    write_folder(folder / "images", NAMES)
    labels_for(NAMES).to_csv(folder / "labels.csv", index=False)
    return folder


def load(folder: Path, **options: Any) -> ChipFolder:
    chips = ChipFolderDataset(filepath=str(folder), **options).load()
    assert isinstance(chips, ChipFolder)
    return chips


def test_labelled_folder(tmp_path: Path) -> None:
    folder = load(labelled_folder(tmp_path))
    assert list(folder.filenames) == NAMES
    assert folder.labels is not None
    assert folder.labels["label"].tolist() == ["0", "1", "0", "1"]


def test_archives_are_left_to_the_nodes(tmp_path: Path) -> None:
    place = labelled_folder(tmp_path / "chips")
    pixels = (place / "images" / NAMES[0]).read_bytes()
    whole = Path(shutil.make_archive(str(tmp_path / "whole"), "zip", place))
    shutil.make_archive(str(place / "images"), "zip", place / "images")
    shutil.rmtree(place / "images")
    for source in (whole, place):
        dataset = ChipFolderDataset(filepath=str(source))
        assert dataset.exists()
        zipped = dataset.load()
        assert isinstance(zipped, ZippedChips)
        folder = open_chips(zipped, tmp_path / "unpacked")
        assert list(folder.filenames) == NAMES
        assert folder.path(NAMES[0]).read_bytes() == pixels
        assert folder.images.is_relative_to(tmp_path / "unpacked")
        assert folder.labels is not None


def test_label_table_without_header(tmp_path: Path) -> None:
    write_folder(tmp_path, NAMES)
    labels_for(NAMES).to_csv(tmp_path / "answer.csv", index=False, header=False)
    labels = load(tmp_path, images="", labels="answer.csv", label_format={"header": False}).labels
    assert labels is not None
    assert labels["filename"].tolist() == NAMES


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"There is no folder .*nowhere"):
        load(tmp_path / "nowhere")


def test_prebuilt_chips_are_read_only(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="read only"):
        ChipFolderDataset(filepath=str(tmp_path)).save("anything")  # type: ignore[arg-type]


def test_cut_chips_move_into_place(tmp_path: Path) -> None:
    polygons = outlines_in(tmp_path, [square(*at(0, 16), 160)])
    dataset = CutChipsDataset(filepath=str(tmp_path / "chips"))
    dataset.save(cut_chips([composite_at(tmp_path)], polygons, SETTINGS, tmp_path / "draft"))
    assert not (tmp_path / "draft").exists()
    chips = dataset.load()
    assert isinstance(chips, ChipFolder)
    assert len(chips.filenames) == 20
    assert load(tmp_path / "chips" / "unlabelled", images="", labels=None).filenames == ()


def test_chips_cut_without_polygons_have_no_labels(tmp_path: Path) -> None:
    dataset = CutChipsDataset(filepath=str(tmp_path / "chips"))
    with pytest.raises(DatasetError, match="cut them first"):
        dataset.load()
    dataset.save(cut_chips([composite_at(tmp_path)], None, SETTINGS, tmp_path / "draft"))
    with pytest.raises(DatasetError, match=r"have no labels, and training needs them: name polygons"):
        dataset.load()


def test_packed_chips_move_into_place(tmp_path: Path) -> None:
    folder = ChipFolder(write_folder(tmp_path / "images", NAMES), labels_for(NAMES))
    settings = ChipSettings(bands=BANDS)
    dataset = PackedChipsDataset(filepath=str(tmp_path / "packed"))
    assert not dataset.exists()
    dataset.save(pack_chips(folder, take_inventory(folder, settings), settings, tmp_path / "draft"))
    assert dataset.load().filenames == tuple(NAMES)
    assert not (tmp_path / "draft").exists()


def test_planes_move_into_place(tmp_path: Path) -> None:
    planes = planes_in_memory(np.eye(4, dtype=np.uint8)[None], ["a.tif"], [utm_grid(4, 4)])
    dataset = PackedPlanesDataset(filepath=str(tmp_path / "masks"))
    with pytest.raises(DatasetError, match="in memory"):
        dataset.save(planes)
    for _ in range(2):  # the second time, it replaces the first
        dataset.save(write_planes(tmp_path / "draft", planes.layout, planes.array, rasters=True))
    assert dataset.load().content_hash == planes.content_hash
    assert (tmp_path / "masks" / "rasters" / "a.tif").is_file()


def test_segmented_chips(tmp_path: Path) -> None:
    dataset = SegmentedChipsDataset(filepath=str(tmp_path / "results"))
    with pytest.raises(DatasetError, match="run inference first"):
        dataset.load()
    model, folder = BrightnessSegmenter(), tmp_path / "drafts" / "x"
    dataset.save(segment_folder(mixed_folder(tmp_path / "chips"), model, model.chips, VectorSettings(), folder))
    assert not folder.exists()
    assert dataset.load()["mines"].sum() == 2
