"""Outlined chips as the catalog sees them."""

from pathlib import Path

import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.io.core import Version
from kedro.runner import SequentialRunner

from mapping.outlining import BrightnessOutliner, mixed_folder
from mining_the_mines.datasets.outline_results import OutlineResultsDataset
from mining_the_mines.mapping.outlining import OutlineStream
from mining_the_mines.mapping.vectorise import VectorSettings
from mining_the_mines.pipelines.inference import create_pipeline


def test_outlines_are_written_when_saved_and_their_table_is_loaded(tmp_path: Path) -> None:
    dataset = OutlineResultsDataset(filepath=str(tmp_path / "results"))
    assert not dataset.exists()
    dataset.save(OutlineStream(mixed_folder(tmp_path / "chips"), BrightnessOutliner(), VectorSettings()))
    assert dataset.exists()
    assert dataset.load()["mines"].sum() == 2


def test_versions_lie_beside_each_other(tmp_path: Path) -> None:
    dataset = OutlineResultsDataset(filepath=str(tmp_path / "results"), version=Version(None, "now"))
    dataset.save(OutlineStream(mixed_folder(tmp_path / "chips"), BrightnessOutliner(), VectorSettings()))
    assert (tmp_path / "results" / "now" / "results" / "outlines.gpkg").is_file()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="run inference first"):
        OutlineResultsDataset(filepath=str(tmp_path / "nowhere")).load()


def test_inference_writes_outlines_with_the_parameters_of_its_namespace(tmp_path: Path) -> None:
    catalog = DataCatalog(
        {
            "unlabelled_chips": MemoryDataset(mixed_folder(tmp_path / "chips")),
            "segmentation.outliner": MemoryDataset(BrightnessOutliner()),
            "params:segmentation.vectors": MemoryDataset(VectorSettings(minimum_hectares=1)),
            "segmentation.outlines": OutlineResultsDataset(filepath=str(tmp_path / "results")),
        }
    )
    SequentialRunner().run(create_pipeline(["segmentation"]), catalog)
    table = catalog.load("segmentation.outlines")
    assert table["mines"].sum() == 0
    assert table["highest_probability"].max() == pytest.approx(0.9)


def test_inference_has_a_namespace_for_each_task() -> None:
    assert {node.name for node in create_pipeline().nodes} == {
        "classification.detect_mines", "classification.fill_in_submission", "segmentation.outline_mines",
    }  # fmt: skip
    assert create_pipeline(["classification"]).inputs() == {"unlabelled_chips", "classification.detector"}
