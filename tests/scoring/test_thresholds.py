"""Thresholds of chips and pixels serve their objective, on out-of-fold predictions."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mining_the_mines.scoring.metrics import score
from mining_the_mines.scoring.segmentation import called_mine
from mining_the_mines.scoring.thresholds import (
    PixelThresholdSettings,
    ThresholdSettings,
    choose_pixel_threshold,
    choose_threshold,
    choose_thresholds,
    pixel_threshold_curve,
    tally_pixels,
)
from support.predictions import make_chips, make_table
from support.scored_segmentation import HECTARE, areas, make_pairs, mask_of, sure_map


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_chosen_threshold_has_the_best_f1(seed: int) -> None:
    _, labels, chances = make_chips(6, seed=seed)
    if labels.min() == labels.max():
        return
    chosen = choose_threshold(labels, chances, ThresholdSettings())
    best = max(f1_score(labels, chances >= level) for level in chances)
    assert f1_score(labels, chances >= chosen) == pytest.approx(best)


def test_threshold_lies_midway() -> None:
    assert choose_threshold([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], ThresholdSettings()) == pytest.approx(0.4)


def test_precision_floor() -> None:
    labels = [1, 1, 0, 1, 0, 0]
    chances = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    floor = ThresholdSettings(objective="precision_floor", precision_floor=0.75)
    figures = score(labels, chances, choose_threshold(labels, chances, floor))
    assert (figures["precision"], figures["recall"]) == (0.75, 1.0)


def test_precision_floor_out_of_reach(caplog: pytest.LogCaptureFixture) -> None:
    floor = ThresholdSettings(objective="precision_floor", precision_floor=0.99)
    with caplog.at_level(logging.WARNING):
        chosen = choose_threshold([0, 1, 1, 0], [0.9, 0.8, 0.7, 0.2], floor)
    assert "No threshold reaches" in caplog.text
    assert score([0, 1, 1, 0], [0.9, 0.8, 0.7, 0.2], chosen)["precision"] == pytest.approx(2 / 3)


def test_test_split_is_not_used() -> None:
    table = make_table()
    spoiled = table.copy()
    spoiled.loc[spoiled["fold"].isna(), "probability"] = 0.999
    assert choose_thresholds(table, ThresholdSettings()) == choose_thresholds(spoiled, ThresholdSettings())


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="label chips of the other class"):
        choose_threshold([1, 1], [0.2, 0.4], ThresholdSettings())


def test_no_out_of_fold_predictions() -> None:
    table = make_table(models=("blend",))
    with pytest.raises(ValueError, match="blend has no out-of-fold"):
        choose_thresholds(table[table["fold"].isna()], ThresholdSettings())


IOU = PixelThresholdSettings()


def test_pixel_curve_agrees_with_counting() -> None:
    pairs = make_pairs(5)
    curve = pixel_threshold_curve(tally_pixels(pairs, areas(pairs))).set_index("threshold")
    for threshold in (1 / 256, 0.25, 0.5, 0.875, 255 / 256):
        known = [mask != 255 for _, _, mask in pairs]
        called = np.concatenate([(p >= threshold)[k] for (_, p, _), k in zip(pairs, known, strict=True)])
        mine = np.concatenate([(m == 1)[k] for (_, _, m), k in zip(pairs, known, strict=True)])
        row = curve.loc[threshold]
        assert row["iou"] == pytest.approx((called & mine).sum() / (called | mine).sum())
        assert row["recall"] == pytest.approx((called & mine).sum() / mine.sum())
        assert row["predicted_hectares"] == pytest.approx(called.sum() * HECTARE)


@given(
    value=st.floats(0, 1, width=16),
    step=st.integers(1, 255),
    precision=st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_counting_in_every_precision(value: float, step: int, precision: type[np.floating]) -> None:
    probability = np.full((1, 1), value, precision)
    tally = tally_pixels([("a.tif", probability, np.ones((1, 1), np.uint8))], {"a.tif": HECTARE})
    curve = pixel_threshold_curve(tally)
    assert bool(curve["recall"][step - 1]) == bool(called_mine(probability, step / 256).all())


def test_pixel_threshold_has_the_best_overlap() -> None:
    pairs = make_pairs(12)
    tally = tally_pixels(pairs, areas(pairs))
    curve = pixel_threshold_curve(tally).set_index("threshold")["iou"]
    assert curve[choose_pixel_threshold(tally, IOU)] == curve.max()


def test_ties_go_to_the_middle() -> None:
    square = (4, 4, 8)
    assert choose_pixel_threshold(tally_pixels([("a", sure_map(square), mask_of(square))], {"a": 1.0}), IOU) == 0.5


def test_area_objective() -> None:
    half_found = sure_map((0, 0, 5), (0, 5, 5))
    half_found[20:30, 20:25] = 0.3
    tally = tally_pixels([("a.tif", half_found, mask_of((0, 0, 10)))], {"a.tif": HECTARE})
    assert choose_pixel_threshold(tally, IOU) == 0.5
    threshold = choose_pixel_threshold(tally, PixelThresholdSettings(objective="area"))
    assert 0.1 < threshold <= 0.3


def test_unknown_pixels_are_not_counted() -> None:
    probability, mask = sure_map((0, 0, 4)), mask_of((0, 0, 4))
    probability[10] = np.nan
    mask[20] = 255
    tally = tally_pixels([("a.tif", probability, mask)], {"a.tif": HECTARE})
    assert (tally.mine.sum(), tally.mine.sum() + tally.other.sum()) == (16, 32 * 30)


def test_no_mine_no_threshold() -> None:
    with pytest.raises(ValueError, match="The 1 out-of-fold chips show no pixel of a mine"):
        choose_pixel_threshold(tally_pixels([("a.tif", sure_map(), mask_of())], {"a.tif": HECTARE}), IOU)


def test_no_chip_no_threshold() -> None:
    with pytest.raises(ValueError, match="no threshold can be chosen"):
        choose_pixel_threshold(tally_pixels([], {}), IOU)


def test_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"map of a\.tif"):
        tally_pixels([("a.tif", sure_map(), mask_of(size=16))], {"a.tif": HECTARE})
