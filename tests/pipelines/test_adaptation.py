"""Adaptation of a classifier to a folder of chips."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.chips import RegionChipsDataset
from mining_the_mines.models.complete import MineClassifier
from mining_the_mines.models.storage import load_complete, save_complete
from mining_the_mines.pipelines.adaptation.nodes import adapt_classifier, package_adapted_classifier, read_region
from mining_the_mines.registry.package import read_model
from mining_the_mines.registry.promotion import RegistrationSettings
from mining_the_mines.scoring.adaptation import AdaptationSettings
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from support.chip_files import write_folder

CHIPS = 24
SETTINGS = AdaptationSettings(bootstrap=BootstrapSettings(resamples=20))


def region(folder: Path, labels: list[str] | None, images: str = "") -> RegionChipsDataset:
    """A folder of chips, the first of them with these labels."""
    write_folder(folder / images, [f"chip_{number:02d}.tif" for number in range(CHIPS)])
    if labels is not None:
        rows = [f"chip_{number:02d}.tif,{label}" for number, label in enumerate(labels)]
        (folder / "labels.csv").write_text("filename,label\n" + "\n".join(rows) + "\n")
    return RegionChipsDataset(filepath=str(folder))


def read(chips: RegionChipsDataset, classifier: MineClassifier, folder: Path) -> tuple[PackedChips, pd.DataFrame]:
    return read_region(chips.load(), folder, classifier, ChipSettings(), SETTINGS, folder / "drafts")


@pytest.mark.parametrize("images", ["", "images"])
def test_labelled_and_unlabelled_chips(classifier: MineClassifier, tmp_path: Path, images: str) -> None:
    packed, table = read(region(tmp_path / "tapajos", ["1", "0", "", "yes"] * 4, images), classifier, tmp_path)
    assert len(packed) == CHIPS
    assert table["label"].notna().sum() == 12
    assert table["place"].nunique() == CHIPS


def test_adapted_classifier(classifier: MineClassifier, tmp_path: Path) -> None:
    chips = region(tmp_path / "tapajós norte", ["1", "0"] * 8)
    packed, table = read(chips, classifier, tmp_path)
    adapted, predictions, scores, summary = adapt_classifier(chips.load(), packed, table, classifier, SETTINGS)
    reflectance = np.stack([packed.reflectance(row) for row in range(CHIPS)])
    np.testing.assert_allclose(adapted.predict(reflectance), predictions["adapted"])
    np.testing.assert_allclose(classifier.predict(reflectance), predictions["probability"])
    assert predictions["novelty"].between(0, 100).all()
    assert (summary["region"], summary["labels"], summary["threshold_before"]) == ("tapaj-s-norte", 16, 0.4321)
    assert set(scores["state"]) == {"before", "after", "difference"}
    again = adapt_classifier(chips.load(), packed, table, adapted, SETTINGS)
    assert again[0].threshold == adapted.threshold
    assert again[3] == summary

    registration = RegistrationSettings(name="mine-classifier", metric="roc_auc")
    package = package_adapted_classifier(adapted, packed, predictions, scores, summary, registration, tmp_path)
    assert package.facts.name == "mine-classifier-tapaj-s-norte"
    assert f"**{summary['reason']}**" in package.card
    assert "adapted to tapaj-s-norte" in package.card
    np.testing.assert_array_equal(read_model(package).predict(reflectance), adapted.predict(reflectance))


def test_without_labels(classifier: MineClassifier, tmp_path: Path) -> None:
    chips = region(tmp_path / "chips", None)
    packed, table = read(chips, classifier, tmp_path)
    adapted, _, scores, summary = adapt_classifier(chips.load(), packed, table, classifier, SETTINGS)
    assert scores.empty
    assert not summary["suffices"]
    (tmp_path / "model").mkdir()
    save_complete(adapted, tmp_path / "model")
    stored = load_complete(tmp_path / "model")
    assert isinstance(stored, MineClassifier)
    assert stored.adaptation == adapted.adaptation
    assert stored.novelty == classifier.novelty


def test_labels_that_name_no_chip(classifier: MineClassifier, tmp_path: Path) -> None:
    chips = region(tmp_path / "chips", None)
    (tmp_path / "chips/labels.csv").write_text("filename,label\nother_1.tif,1\nother_2.tif,0\n")
    with pytest.raises(
        BadInputError, match=r"No label names a chip in .*chips that can be used \(2 label without file"
    ):
        read(chips, classifier, tmp_path)


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (["1", "0", "0", "1", "0"], "5 labels of .*chips are too few to adapt a threshold to: label 10 chips at least"),
        (["yes"] * 12, "All 12 labels of .*chips say a mine, and a threshold needs chips of both classes"),
        (["0.7"] * CHIPS, r"24 bad label \(such as .*line 2 says '0.7'.*mend them or their labels"),
    ],
)
def test_labels_that_teach_nothing(classifier: MineClassifier, tmp_path: Path, labels: list[str], fault: str) -> None:
    """They are refused before chips are packed, so that nothing of such a region stays."""
    with pytest.raises(BadInputError, match=fault):
        read(region(tmp_path / "chips", labels), classifier, tmp_path)
    assert not (tmp_path / "drafts").exists()


def test_table_of_another_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    region(tmp_path, ["1", "0"])
    (tmp_path / "labels.csv").rename(tmp_path / "Labels (2).xlsx")
    assert RegionChipsDataset(filepath=str(tmp_path)).load().labels is None
    assert r"has no labels.csv, so there are no labels: is it Labels (2).xlsx?" in caplog.text


def test_other_bands(classifier: MineClassifier, tmp_path: Path) -> None:
    wanted = ChipSettings(bands=("B1", "B2"), size=16)
    other = MineClassifier("trees", 0.5, wanted, classifier.models, classifier.blend)
    with pytest.raises(
        BadInputError, match=r"can use no chip in .*chips \(24 missing band.*the model takes the bands B1, B2"
    ):
        read(region(tmp_path / "chips", ["1", "0"]), other, tmp_path)


def test_older_classifier(classifier: MineClassifier, tmp_path: Path) -> None:
    chips = region(tmp_path / "chips", None)
    packed, table = read(chips, classifier, tmp_path)
    older = MineClassifier("trees", 0.5, classifier.chips, classifier.models, classifier.blend)
    with pytest.raises(BadInputError, match="has no calibration to start from"):
        adapt_classifier(chips.load(), packed, table, older, SETTINGS)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="name the chips of the region with --params=chips=FOLDER"):
        RegionChipsDataset(filepath=str(tmp_path / "nowhere")).load()
