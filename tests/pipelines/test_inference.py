"""Inference: a prediction for every chip of a folder, or the reason why there is none."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.datasets.chips import SegmentedChipsDataset
from mining_the_mines.datasets.folders import WorkFolderDataset
from mining_the_mines.mapping.settings import VectorSettings
from mining_the_mines.models.novelty import Novelty
from mining_the_mines.models.predictor import ModelSource
from mining_the_mines.pipelines.inference import create_pipeline
from mining_the_mines.pipelines.inference.nodes import classify_chips, fill_in_submission
from support.chip_files import BANDS, SIZE
from support.segmenters import BrightnessSegmenter, mixed_folder


@dataclass(frozen=True)
class BrightnessClassifier:
    """Takes the highest reflectance of the first band for the probability of a mine."""

    chips: ChipSettings = ChipSettings(bands=BANDS, size=SIZE)  # noqa: RUF009 - settings are frozen
    threshold: float = 0.6
    window: int = SIZE
    coarse: bool = True
    source: ModelSource | None = None
    novelty: Novelty | None = None

    def predict(self, reflectance: npt.NDArray[np.float32], /) -> npt.NDArray[np.float64]:
        """The brightest pixel."""
        brightest: npt.NDArray[np.float64] = reflectance[:, 0].max(axis=(1, 2)).astype(np.float64)
        return brightest


def test_predictions_and_reasons(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    predictions = classify_chips(mixed_folder(tmp_path), tmp_path, BrightnessClassifier(), ChipSettings()).set_index(
        "filename"
    )
    assert predictions["label"].fillna(-1).to_dict() == {
        "broken.tif": -1, "degrees.tif": 1, "forest.tif": -1, "night.tif": -1, "nowhere.tif": 1, "utm.tif": 1,
    }  # fmt: skip
    assert "the model takes 16 × 16" in predictions["error"]["forest.tif"]
    assert "empty" in predictions["error"]["night.tif"]
    assert re.search(r"3 of 6 chips can't be judged, such as: .*broken\.tif can't be read", caplog.text)


def test_no_chip_to_classify(tmp_path: Path) -> None:
    predictions = classify_chips(
        ChipFolder(tmp_path, may_be_empty=True), tmp_path, BrightnessClassifier(), ChipSettings()
    )
    assert predictions.empty
    assert list(fill_in_submission(predictions).columns) == ["filename", "label"]
    assert list(predictions.columns) == ["filename", "probability", "label", "novelty", "error"]


def test_form_without_doubt(tmp_path: Path) -> None:
    form = fill_in_submission(classify_chips(mixed_folder(tmp_path), tmp_path, BrightnessClassifier(), ChipSettings()))
    assert form.set_index("filename")["label"]["broken.tif"] == 0
    assert form["label"].sum() == 3


def test_stated_imagery(tmp_path: Path) -> None:
    """The parameters describe the files; the model sets bands and size."""
    chips = mixed_folder(tmp_path)
    offset = ChipSettings(offset=-0.05)
    plain = classify_chips(chips, tmp_path, BrightnessClassifier(), ChipSettings()).set_index("filename")
    shifted = classify_chips(chips, tmp_path, BrightnessClassifier(), offset).set_index("filename")
    assert (plain["probability"] - shifted["probability"])["utm.tif"] == pytest.approx(0.05)
    trained = ChipSettings(bands=BANDS, size=SIZE, offset=-0.1, scale=5000)
    assert offset.for_model(trained) == trained.model_copy(update={"offset": -0.05})
    assert ChipSettings(bands=("B4",), size=8).for_model(trained) == trained


def test_segmentation_pipeline(tmp_path: Path) -> None:
    catalog = DataCatalog(
        {
            "unlabelled_chips": MemoryDataset(mixed_folder(tmp_path / "chips")),
            "unpacked_chips": WorkFolderDataset(filepath=str(tmp_path / "unpacked")),
            "segmentation.segmenter": MemoryDataset(BrightnessSegmenter()),
            "params:imagery": MemoryDataset(ChipSettings()),
            "params:segmentation.vectors": MemoryDataset(VectorSettings(minimum_hectares=1)),
            "drafts": WorkFolderDataset(filepath=str(tmp_path / "drafts")),
            "segmentation.chip_predictions": SegmentedChipsDataset(filepath=str(tmp_path / "results")),
        }
    )
    SequentialRunner().run(create_pipeline().only_nodes_with_namespaces(["segmentation"]), catalog)
    table = catalog.load("segmentation.chip_predictions")
    assert table["mines"].sum() == 0
    assert table["highest_probability"].max() == pytest.approx(0.9)
