"""Inference gives every chip of a folder an answer, or the reason why there is none."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.datasets.segmentation_results import SegmentationResultsDataset
from mining_the_mines.mapping.chip_segmentation import SegmentedChips
from mining_the_mines.mapping.settings import VectorSettings
from mining_the_mines.pipelines.inference import create_pipeline
from mining_the_mines.pipelines.inference.nodes import BATCH, classify_chips, fill_in_submission
from support.chip_files import BANDS, SIZE, write_folder
from support.segmenters import BrightnessOutliner, mixed_folder


@dataclass(frozen=True)
class BrightnessDetector:
    """Takes the highest reflectance of the first band for the probability of a mine."""

    chips: ChipSettings = ChipSettings(bands=BANDS, size=SIZE)  # noqa: RUF009 - settings are frozen
    threshold: float = 0.6

    def predict(self, reflectance: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The brightest pixel."""
        brightest: npt.NDArray[np.float64] = reflectance[:, 0].max(axis=(1, 2)).astype(np.float64)
        return brightest


def test_detection_decides_on_chips_of_the_models_size_and_gives_reasons_for_the_rest(tmp_path: Path) -> None:
    detections = classify_chips(mixed_folder(tmp_path), tmp_path, BrightnessDetector()).set_index("filename")
    assert detections["label"].fillna(-1).to_dict() == {
        "broken.tif": -1, "degrees.tif": 1, "forest.tif": -1, "night.tif": -1, "nowhere.tif": 1, "utm.tif": 1,
    }  # fmt: skip
    assert "the model takes 16 × 16" in detections["error"]["forest.tif"]
    assert "empty" in detections["error"]["night.tif"]


def test_detection_goes_through_more_chips_than_the_model_takes_at_a_time(tmp_path: Path) -> None:
    names = [f"chip_{number:02}.tif" for number in range(BATCH + 1)]
    detections = classify_chips(ChipFolder(write_folder(tmp_path, names)), tmp_path, BrightnessDetector())
    assert detections["filename"].tolist() == names
    assert detections["label"].tolist() == [0] * len(names)


def test_of_no_chip_there_is_an_empty_table_and_an_empty_form(tmp_path: Path) -> None:
    detections = classify_chips(ChipFolder(tmp_path, may_be_empty=True), tmp_path, BrightnessDetector())
    assert detections.empty
    assert list(fill_in_submission(detections).columns) == ["filename", "label"]
    assert list(detections.columns) == ["filename", "probability", "label", "error"]


def test_of_no_chip_there_are_no_outlines(tmp_path: Path) -> None:
    (tmp_path / "chips").mkdir()
    folder = ChipFolder(tmp_path / "chips", may_be_empty=True)
    dataset = SegmentationResultsDataset(filepath=str(tmp_path / "results"))
    dataset.save(SegmentedChips(folder, BrightnessOutliner(), VectorSettings()))
    assert dataset.load().empty


def test_the_form_has_no_place_for_doubt(tmp_path: Path) -> None:
    form = fill_in_submission(classify_chips(mixed_folder(tmp_path), tmp_path, BrightnessDetector()))
    assert form.set_index("filename")["label"]["broken.tif"] == 0
    assert form["label"].sum() == 3


def test_inference_writes_outlines_with_the_parameters_of_its_namespace(tmp_path: Path) -> None:
    catalog = DataCatalog(
        {
            "unlabelled_chips": MemoryDataset(mixed_folder(tmp_path / "chips")),
            "unpacked_chips": MemoryDataset(tmp_path),
            "segmentation.segmenter": MemoryDataset(BrightnessOutliner()),
            "params:segmentation.vectors": MemoryDataset(VectorSettings(minimum_hectares=1)),
            "segmentation.chip_predictions": SegmentationResultsDataset(filepath=str(tmp_path / "results")),
        }
    )
    SequentialRunner().run(create_pipeline().only_nodes_with_namespaces(["segmentation"]), catalog)
    table = catalog.load("segmentation.chip_predictions")
    assert table["mines"].sum() == 0
    assert table["highest_probability"].max() == pytest.approx(0.9)


def test_inference_has_a_namespace_for_each_task() -> None:
    assert {node.name for node in create_pipeline().nodes} == {
        "classification.classify_chips", "classification.fill_in_submission", "segmentation.segment_chips",
    }  # fmt: skip
