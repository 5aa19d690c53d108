"""The way of an evaluated model to its version in the registry."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from mining_the_mines.chips.planes import PackedPlanes, planes_in_memory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.models.complete import MineClassifier, MineSegmenter
from mining_the_mines.models.description import describe
from mining_the_mines.pipelines.evaluation.nodes import EvaluationSettings, score_models
from mining_the_mines.pipelines.evaluation.segmentation_nodes import complete_segmenter
from mining_the_mines.pipelines.registration.nodes import (
    compare_classifiers,
    describe_package,
    ground_pixel,
    version_tags,
    write_classifier_card,
)
from mining_the_mines.pipelines.registration.segmentation_nodes import compare_segmenters, write_segmenter_card
from mining_the_mines.registry.package import StoredPackage
from mining_the_mines.registry.promotion import Champion, RegistrationSettings, RegistryView
from mining_the_mines.registry.training_data import hash_chips
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from support import segmented_chips as made
from support.chip_files import BANDS, packed_chips
from support.networks import SIX_BANDS

CHIPS, TRAIN = 48, 20
PACKED = packed_chips(CHIPS)
SETTINGS = RegistrationSettings(
    name="mine-classifier", metric="roc_auc", resamples=50, minimum_chips=10, minimum_places=3
)
SEGMENTER = SETTINGS.model_copy(update={"name": "mine-segmenter", "metric": "iou", "minimum_chips": 4})
CAVEATS = ["The scenes are simulated."]
NOBODY = RegistryView("mine-classifier")


def folds_table() -> pd.DataFrame:
    """Chips of 16 places in two regions, the last 28 chips for testing."""
    numbers = np.arange(CHIPS)
    return pd.DataFrame(
        {
            "filename": list(PACKED.filenames),
            "label": pd.array(numbers % 2, dtype="Int64"),
            "category": np.where(numbers % 2 == 1, "quarry", "forest"),
            "longitude": -60.0 + numbers,
            "latitude": -5.0,
            "place": [f"{'west' if number < TRAIN else 'east'}/p{number // 3}" for number in numbers],
            "split": np.where(numbers < TRAIN, "train", "test"),
            "fold": pd.array([number // 3 % 2 if number < TRAIN else pd.NA for number in numbers], dtype="Int64"),
        }
    )


def predictions(skill: float = 0.3) -> pd.DataFrame:
    """Of three models, of which the blend is a good one."""
    folds, noise = folds_table(), np.random.default_rng(3).uniform(0, 0.4, CHIPS)
    good = folds["label"].astype(float) * skill + noise
    given: dict[str, NDArray[np.floating]] = {"trees": noise, "network": noise, "blend": good.to_numpy()}
    return pd.concat([folds.assign(model=name, probability=values) for name, values in given.items()])


def stored(model: MineClassifier | MineSegmenter, folder: Path, content: str = "new") -> StoredPackage:
    """A package as if it had been written."""
    description, known = describe_package(model, scores_table(), PACKED, folds_table(), SETTINGS)
    return with_hash(StoredPackage(folder, description, known, "# Card\n"), content)


def with_hash(package: StoredPackage, content: str) -> StoredPackage:
    """The package as if its files had this hash."""
    package.__dict__["content_hash"] = content
    return package


def scores_table() -> pd.DataFrame:
    settings = EvaluationSettings(bootstrap=BootstrapSettings(resamples=20))
    return score_models(predictions(), settings)[1]


def champion(model: Any, trained: list[str], content: str = "old") -> RegistryView:
    return RegistryView("mine-classifier", Champion("4", content, model, hash_chips(PACKED, trained)))


def trained_chips() -> list[str]:
    return list(PACKED.filenames[:TRAIN])


def test_card_of_a_classifier(classifier: MineClassifier) -> None:
    settings = EvaluationSettings(bootstrap=BootstrapSettings(resamples=20))
    _, scores, categories, _ = score_models(predictions(), settings)
    card = write_classifier_card(classifier, scores, categories, predictions(), folds_table(), SETTINGS, CAVEATS)
    chosen = scores[(scores["model"] == "blend") & (scores["metric"] == "f1") & (scores["split"] == "test")]
    assert f"| F1 | {chosen['value'].iloc[0]:.3f} (" in card
    assert "| quarry (recall) | test |" in card
    assert "| east | test |" in card
    assert "**The scenes are simulated.**" in card


def test_facts_of_a_package(classifier: MineClassifier) -> None:
    _, known = describe_package(classifier, scores_table(), PACKED, folds_table(), SETTINGS)
    assert known.training_chips == TRAIN
    assert known.bounds == (-60, -5, -13, -5)
    blend = scores_table().query("model == 'blend' and category_excluded.isna()")
    assert [figure.value for figure in known.scores] == blend["value"].tolist()


def test_data_hash_of_labels(classifier: MineClassifier) -> None:
    turned = folds_table()
    turned["label"] = turned["label"].where(turned.index != 3, 1 - turned["label"])
    hashes = {
        describe_package(classifier, scores_table(), PACKED, folds, SETTINGS)[1].data_hash
        for folds in (folds_table(), folds_table(), turned)
    }
    assert len(hashes) == 2


def test_data_hash_of_masks() -> None:
    model, folds, masks = segmenter(), made.folds_table(), made.masks_of()
    other = made.planes(made.NAMES, list(1 - np.minimum(masks.array, 1)))
    hashes = {
        describe_package(model, scores_table(), made.packed(), folds, SEGMENTER, of)[1].data_hash
        for of in (None, masks, other)
    }
    assert len(hashes) == 3


def test_pixel_size_on_the_ground() -> None:
    array, names = np.zeros((3, 4, 4), np.uint8), ("a.tif", "b.tif", "c.tif")
    in_degrees = ChipGrid(CRS.from_epsg(4326), Affine(1e-4, 0, -60, 0, -1e-4, 60), 4, 4)
    assert ground_pixel(planes_in_memory(array, names, [in_degrees] * 3)) == pytest.approx(7.89, abs=0.01)
    coarse = ChipGrid(CRS.from_epsg(32721), Affine(20, 0, 500_000, 0, -20, 9_000_000), 4, 4)
    masks = planes_in_memory(array, names, [coarse] * 3)
    given = (scores_table(), made.packed(), made.folds_table(), SEGMENTER, masks)
    assert describe_package(segmenter(), *given)[0].pixel_metres == 20


def test_first_model(classifier: MineClassifier, tmp_path: Path) -> None:
    promotion = compare_classifiers(stored(classifier, tmp_path), NOBODY, predictions(), PACKED, SETTINGS)
    assert (promotion["outcome"], promotion["chips"], promotion["left_out"]) == ("champion", CHIPS - TRAIN, 0)


def test_champion_on_unseen_chips(classifier: MineClassifier, tmp_path: Path) -> None:
    seen = [*trained_chips(), *PACKED.filenames[-5:]]
    promotion = compare_classifiers(
        stored(classifier, tmp_path), champion(classifier, seen), predictions(0.6), PACKED, SETTINGS
    )
    assert (promotion["chips"], promotion["left_out"], promotion["champion_version"]) == (CHIPS - TRAIN - 5, 5, "4")
    rows = folds_table()[TRAIN:-5]
    found = classifier.predict(np.stack([PACKED.reflectance(row) for row in range(TRAIN, CHIPS - 5)]))
    pairs = [
        (found[mine] > found[other]) + (found[mine] == found[other]) / 2
        for mine in np.flatnonzero(rows["label"] == 1)
        for other in np.flatnonzero(rows["label"] == 0)
    ]
    assert promotion["champion"]["value"] == pytest.approx(np.mean(pairs))


def test_missing_band(
    classifier: MineClassifier,
    tmp_path: Path,
) -> None:
    other = replace(classifier, chips=ChipSettings(bands=(*BANDS, "B1")))
    promotion = compare_classifiers(
        stored(classifier, tmp_path), champion(other, trained_chips()), predictions(), PACKED, SETTINGS
    )
    assert promotion["outcome"] == "challenger"
    assert promotion["reason"].startswith("Version 4 wants B1, which these chips lack: give the alias champion")


def test_too_few_unseen_chips(
    classifier: MineClassifier,
    tmp_path: Path,
) -> None:
    view = champion(classifier, list(PACKED.filenames))
    promotion = compare_classifiers(stored(classifier, tmp_path), view, predictions(0.6), PACKED, SETTINGS)
    assert promotion["outcome"] == "challenger"
    assert "Only 0 test chips of 0 places are left" in promotion["reason"]
    assert f"({CHIPS - TRAIN} are left out)" in promotion["reason"]
    assert promotion["left_out"] == CHIPS - TRAIN


def test_the_same_model_is_not_compared(classifier: MineClassifier, tmp_path: Path) -> None:
    view = champion(classifier, trained_chips(), "new")
    promotion = compare_classifiers(stored(classifier, tmp_path), view, predictions(), PACKED, SETTINGS)
    assert (promotion["outcome"], promotion["difference"]) == ("champion", None)
    assert promotion["reason"] == "This very model is the champion already, as version 4."


def compare_outlines(
    model: MineSegmenter, view: RegistryView, folder: Path, maps: PackedPlanes | None = None
) -> dict[str, Any]:
    """Compare a segmenter on the chips of the tests of evaluation."""
    package = with_hash(StoredPackage(folder, describe(model), stored(model, folder).facts, "# Card\n"), "new")
    maps = maps or made.maps_of(made.NAMES[made.TRAIN :])
    given = (
        made.chip_scores(),
        maps,
        made.masks_of(),
        made.packed(),
        SEGMENTER,
        made.SETTINGS,
    )
    return compare_segmenters(package, view, *given)


def segmenter(threshold: float = 0.5) -> MineSegmenter:
    """A segmenter with random weights."""
    chips = ChipSettings(bands=SIX_BANDS)
    model = complete_segmenter(made.network(), {"threshold": threshold}, chips, made.packed(), made.folds_table())
    assert isinstance(model, MineSegmenter)
    return model


def outlining_champion(model: MineSegmenter) -> RegistryView:
    seen = hash_chips(made.packed(), made.NAMES[: made.TRAIN])
    return RegistryView("mine-segmenter", Champion("1", "old", model, seen))


def test_segmenters_on_the_same_chips(tmp_path: Path) -> None:
    promotion = compare_outlines(segmenter(), outlining_champion(segmenter()), tmp_path)
    assert (promotion["outcome"], promotion["chips"]) == ("champion", made.CHIPS - made.TRAIN)
    assert promotion["one_sided_pixels"] == 0
    assert promotion["challenger"]["value"] > promotion["champion"]["value"]
    difference = promotion["challenger"]["value"] - promotion["champion"]["value"]
    assert promotion["difference"]["value"] == pytest.approx(difference)


def test_nodata_wins_nothing(tmp_path: Path) -> None:
    model = segmenter(threshold=0.01)  # it calls a good part of the ground a mine
    names, chips, masks = (
        made.NAMES[made.TRAIN :],
        made.packed(),
        made.masks_of(),
    )
    maps = model.predict(np.stack([chips.reflectance(row) for row in chips.rows(names)])).astype(np.float16)
    wrong = (masks.array[masks.rows(names)] == 0) & (maps >= model.threshold)
    assert wrong.any()
    silent = made.planes(names, list(np.where(wrong, np.nan, maps)), np.float16)
    promotion = compare_outlines(model, outlining_champion(model), tmp_path, silent)
    assert (promotion["outcome"], promotion["difference"]["value"]) == ("challenger", 0)
    assert promotion["one_sided_pixels"] == wrong.sum()


def test_card_of_a_segmenter() -> None:
    model = MineSegmenter(ChipSettings(bands=SIX_BANDS), made.network(), 0.5)
    chips = made.chip_scores()
    scores = pd.DataFrame(
        {"split": ["test"], "model": "outlines", "category_excluded": None, "metric": "iou", "value": 0.5,
         "low": 0.4, "high": 0.6}
    )  # fmt: skip
    card = write_segmenter_card(model, scores, chips, made.folds_table(), made.masks_of(), SEGMENTER, CAVEATS)
    assert "| IoU | 0.500 (0.400 to 0.600) | – |" in card
    assert "IoU by region:" in card
    assert "| place-0 | out-of-fold |" in card


def test_a_version_has_tags(classifier: MineClassifier, tmp_path: Path) -> None:
    package = stored(classifier, tmp_path)
    tags = version_tags(package, {"MLflow run": "f00", "Git commit": "abc"})
    assert (tags["bands"], tags["chip_size"], tags["threshold"]) == (",".join(BANDS), "16", "0.4321")
    assert tags["data_hash"] == package.facts.data_hash
    assert (tags["run_id"], tags["git_commit"]) == ("f00", "abc")
    assert "(" in tags["score.test.roc_auc"]
