"""Scores of a segmentation by pixel, by image and by area."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.segmentation import (
    MaskPair,
    SegmentationMeasureSettings,
    WeightedSegmentationScores,
    measure_segmentation,
)
from mining_the_mines.scoring.tables import chip_predictions, score_table
from support.scored_segmentation import areas, make_measures, make_pairs, mask_of, sure_map

FEW = BootstrapSettings(resamples=60)


def figures(measures: pd.DataFrame) -> dict[str, float]:
    return {
        name: float(of[0]) for name, of in WeightedSegmentationScores(measures)(np.ones((1, len(measures)))).items()
    }


def measured(*pairs: MaskPair) -> pd.DataFrame:
    return measure_segmentation(pairs, areas(list(pairs)), 0.5, SegmentationMeasureSettings())


def test_pixel_scores_equal_scikit_learn() -> None:
    pairs = make_pairs(9)
    known = [mask != 255 for _, _, mask in pairs]
    truth = np.concatenate([(m == 1)[k] for (_, _, m), k in zip(pairs, known, strict=True)])
    calls = np.concatenate([(p >= 0.5)[k] for (_, p, _), k in zip(pairs, known, strict=True)])
    found = figures(measured(*pairs))
    for name, score in (
        ("iou", jaccard_score), ("f1", f1_score), ("precision", precision_score), ("recall", recall_score)
    ):  # fmt: skip
        assert found[name] == pytest.approx(score(truth, calls))


def test_large_mines_weigh_by_pixel() -> None:
    found = figures(
        measured(
            ("large.tif", sure_map((0, 0, 20)), mask_of((0, 0, 20))),
            ("small.tif", sure_map(), mask_of((0, 0, 4))),
        )
    )
    assert found["iou"] == pytest.approx(400 / 416)
    assert found["iou_per_image"] == pytest.approx(0.5)


def test_empty_chips() -> None:
    found = figures(
        measured(
            ("mine.tif", sure_map((0, 0, 4)), mask_of((0, 2, 4))),
            ("empty.tif", sure_map(), mask_of()),
            ("alarm.tif", sure_map((0, 0, 3)), mask_of()),
        )
    )
    assert found["iou_per_image"] == pytest.approx((8 / 24 + 1 + 0) / 3)
    assert found["iou_per_mine_image"] == pytest.approx(8 / 24)
    assert found["empty_kept_empty"] == pytest.approx(0.5)


def test_area_error_does_not_cancel() -> None:
    found = figures(
        measured(
            ("a.tif", sure_map((0, 0, 10)), mask_of((0, 0, 5))),
            ("b.tif", sure_map((0, 0, 5)), mask_of((0, 0, 10))),
        )
    )
    assert found["area_bias_hectares"] == pytest.approx(0)
    assert found["area_error_hectares"] == pytest.approx(0.75)


def test_boundary_f1_without_rims() -> None:
    assert figures(measured(("a.tif", sure_map(), mask_of((4, 4, 8)))))["boundary_f1"] == 0
    assert np.isnan(figures(measured(("a.tif", sure_map(), mask_of())))["boundary_f1"])


def test_unknown_chip_changes_nothing() -> None:
    pairs = make_pairs(6)
    unknown = ("unknown.tif", sure_map((0, 0, 8)), np.full((32, 32), 255, np.uint8))
    assert figures(measured(*pairs, unknown)) == pytest.approx(figures(measured(*pairs)))


def test_segmenter_as_classifier() -> None:
    predictions = chip_predictions(make_measures())
    table = score_table(predictions, {"segmenter": 0.5}, FEW)
    assert table.query("split == 'out-of-fold' and metric == 'roc_auc'")["value"].item() > 0.8


def test_label_takes_precedence_over_mask() -> None:
    measures = measured(("a.tif", sure_map(), mask_of((0, 0, 4))), ("b.tif", sure_map(), mask_of((0, 0, 4))))
    measures = measures.assign(place="p", fold=0)
    labelled = measures.assign(label=pd.array([0, pd.NA], dtype="Int64"))
    assert chip_predictions(measures)["label"].tolist() == [1, 1]
    assert chip_predictions(labelled)["label"].tolist() == [0, 1]
