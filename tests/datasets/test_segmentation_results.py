"""Segmented chips in the catalog."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from mining_the_mines.datasets.chips import SegmentedChipsDataset
from mining_the_mines.mapping.chip_segmentation import SegmentedChips, segment_folder
from mining_the_mines.mapping.settings import VectorSettings
from support.segmenters import BrightnessSegmenter, mixed_folder


@pytest.fixture
def segmented(tmp_path: Path) -> SegmentedChips:
    """Results in a folder of drafts."""
    model, folder = BrightnessSegmenter(), tmp_path / "drafts" / "x"
    return segment_folder(mixed_folder(tmp_path / "chips"), model, model.chips, VectorSettings(), folder)


def test_results_are_moved_into_place(tmp_path: Path, segmented: SegmentedChips) -> None:
    dataset = SegmentedChipsDataset(filepath=str(tmp_path / "results"))
    assert not dataset.exists()
    dataset.save(segmented)
    assert dataset.exists()
    assert not segmented.folder.exists()
    assert dataset.load()["mines"].sum() == 2


def test_missing_results(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="run inference first"):
        SegmentedChipsDataset(filepath=str(tmp_path / "nowhere")).load()
