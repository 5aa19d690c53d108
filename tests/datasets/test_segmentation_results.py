"""Outlined chips as the catalog sees them."""

from pathlib import Path

import pytest
from kedro.io import DatasetError
from kedro.io.core import Version

from mining_the_mines.datasets.segmentation_results import SegmentationResultsDataset
from mining_the_mines.mapping.chip_segmentation import SegmentedChips
from mining_the_mines.mapping.settings import VectorSettings
from support.segmenters import BrightnessOutliner, mixed_folder


def test_outlines_are_written_when_saved_and_their_table_is_loaded(tmp_path: Path) -> None:
    dataset = SegmentationResultsDataset(filepath=str(tmp_path / "results"))
    assert not dataset.exists()
    dataset.save(SegmentedChips(mixed_folder(tmp_path / "chips"), BrightnessOutliner(), VectorSettings()))
    assert dataset.exists()
    assert dataset.load()["mines"].sum() == 2


def test_versions_lie_beside_each_other(tmp_path: Path) -> None:
    dataset = SegmentationResultsDataset(filepath=str(tmp_path / "results"), version=Version(None, "now"))
    dataset.save(SegmentedChips(mixed_folder(tmp_path / "chips"), BrightnessOutliner(), VectorSettings()))
    assert (tmp_path / "results" / "now" / "results" / "outlines.gpkg").is_file()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="run inference first"):
        SegmentationResultsDataset(filepath=str(tmp_path / "nowhere")).load()
