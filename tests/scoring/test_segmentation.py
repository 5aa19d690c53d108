"""A segmentation is measured chip by chip, alone and beside a rival, and scored over many chips."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.segmentation import (
    PIXEL_COUNTS,
    Mask,
    MaskPair,
    PairedMeasures,
    ProbabilityMap,
    SegmentationMeasureSettings,
    WeightedSegmentationScores,
    measure_chip,
    measure_paired,
    measure_segmentation,
)
from mining_the_mines.scoring.tables import chip_predictions, score_table
from support.scored_segmentation import HECTARE, SIZE, areas, make_measures, make_pairs, mask_of, sure_map


def measure(probability: ProbabilityMap, mask: Mask, threshold: float = 0.5, **settings: float) -> dict[str, float]:
    return measure_chip(probability, mask, threshold, HECTARE, SegmentationMeasureSettings.model_validate(settings))


def test_pixel_counts() -> None:
    figures = measure(sure_map((0, 2, 4)), mask_of((0, 0, 4)))
    assert [figures[name] for name in PIXEL_COUNTS] == [8, 8, 8, SIZE**2 - 24]
    assert figures["iou"] == pytest.approx(8 / 24)
    assert (figures["true_hectares"], figures["predicted_hectares"]) == pytest.approx((0.16, 0.16))


def test_unknown_chip() -> None:
    figures = measure(sure_map((0, 0, 4)), np.full((SIZE, SIZE), 255, np.uint8))
    assert np.isnan([figures["iou"], figures["chip_probability"]]).all()
    assert sum(figures[name] for name in PIXEL_COUNTS) == 0


def test_pixels_without_data_are_ignored() -> None:
    probability, mask = sure_map((4, 4, 8)), mask_of((4, 4, 8))
    wrong = probability.copy()
    mask[:, 20:], wrong[:, 20:] = 255, 1.0
    probability[:, 20:] = np.nan
    assert measure(probability, mask_of((4, 4, 8))) == measure(wrong, mask)


def test_rim_tolerance() -> None:
    truth = mask_of((8, 8, 12))
    near, far = measure(sure_map((9, 9, 10)), truth), measure(sure_map((12, 12, 4)), truth)
    assert near["predicted_rim"] == 36
    assert near["true_rim"] == 44
    assert (near["matched_predicted_rim"], near["matched_true_rim"]) == (36, 44)
    assert (far["matched_predicted_rim"], far["matched_true_rim"]) == (0, 0)
    assert measure(sure_map((12, 12, 4)), truth, tolerance=4)["matched_predicted_rim"] == 12


def test_chip_probability() -> None:
    spot, pit = sure_map((0, 0, 1)), sure_map((0, 0, 4))
    assert measure(pit, mask_of())["chip_probability"] == pytest.approx(0.9)
    assert measure(spot, mask_of())["chip_probability"] == pytest.approx((0.9 + 15 * 0.1) / 16)
    assert measure(spot, mask_of(), chip_pixels=1)["chip_probability"] == pytest.approx(0.9)


@given(seed=st.integers(0, 1000), threshold=st.floats(0.05, 0.95))
def test_measures_are_consistent(seed: int, threshold: float) -> None:
    ((_, probability, mask),) = make_pairs(2, seed)[1:]
    figures = measure(probability, mask, threshold)
    assert sum(figures[name] for name in PIXEL_COUNTS) == (mask != 255).sum()
    assert 0 <= figures["iou"] <= 1
    assert figures["matched_predicted_rim"] <= figures["predicted_rim"]
    assert figures["matched_true_rim"] <= figures["true_rim"]
    assert figures["predicted_hectares"] == pytest.approx(
        HECTARE * (figures["true_positive"] + figures["false_positive"])
    )


def test_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"map of a\.tif has \(32, 32\) pixels and its mask \(8, 8\)"):
        measure_segmentation(
            [("a.tif", sure_map(), mask_of(size=8))], {"a.tif": 1.0}, 0.5, SegmentationMeasureSettings()
        )


SETTINGS = SegmentationMeasureSettings()
TRUTH = mask_of((8, 8, 8))
#: A map that finds the mine, and takes a lake for another one.
FALSE_ALARM = np.maximum(sure_map((8, 8, 8)), sure_map((20, 20, 6)))


def silent_at(probability: ProbabilityMap, rows: slice) -> ProbabilityMap:
    """A map with a hole."""
    holey = probability.copy()
    holey[rows, 18:28] = np.nan
    return holey


def rivals(candidate: ProbabilityMap, rival: ProbabilityMap) -> PairedMeasures:
    return measure_paired([("a.tif", candidate, rival, TRUTH)], {"a.tif": HECTARE}, (0.5, 0.5), SETTINGS)


def test_silence_is_no_merit() -> None:
    measured = rivals(silent_at(FALSE_ALARM, slice(18, 28)), FALSE_ALARM)
    assert measured.candidate.equals(measured.rival)
    assert measured.candidate["iou"].item() == 1
    assert measured.one_sided == 100


def test_paired_thresholds() -> None:
    found = sure_map((8, 8, 8))
    pairs = [("a.tif", found, found, TRUTH)]
    measured = measure_paired(pairs, {"a.tif": HECTARE}, (0.5, 0.95), SETTINGS)
    assert (measured.candidate["iou"].item(), measured.rival["iou"].item()) == (1, 0)


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
