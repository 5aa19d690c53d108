"""The threshold of outlines is the best one, from one pass over the maps, in any precision."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.scoring.segmentation_measures import called_mine
from mining_the_mines.scoring.thresholds import (
    PixelThresholdSettings,
    choose_pixel_threshold,
    pixel_threshold_curve,
    tally_pixels,
)
from support.scored_segmentation import HECTARE, areas, make_pairs, mask_of, sure_map

IOU = PixelThresholdSettings()


def test_the_curve_tells_what_counting_at_each_threshold_would() -> None:
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
def test_counting_and_calling_agree_on_every_pixel_in_every_precision(
    value: float, step: int, precision: type[np.floating]
) -> None:
    probability = np.full((1, 1), value, precision)
    tally = tally_pixels([("a.tif", probability, np.ones((1, 1), np.uint8))], {"a.tif": HECTARE})
    curve = pixel_threshold_curve(tally)
    assert bool(curve["recall"][step - 1]) == bool(called_mine(probability, step / 256).all())


def test_the_chosen_threshold_overlaps_best() -> None:
    pairs = make_pairs(12)
    tally = tally_pixels(pairs, areas(pairs))
    curve = pixel_threshold_curve(tally).set_index("threshold")["iou"]
    assert curve[choose_pixel_threshold(tally, IOU)] == curve.max()


def test_among_equally_good_thresholds_the_nearest_to_a_half_is_chosen() -> None:
    square = (4, 4, 8)
    assert choose_pixel_threshold(tally_pixels([("a", sure_map(square), mask_of(square))], {"a": 1.0}), IOU) == 0.5


def test_for_areas_the_threshold_is_chosen_at_which_hectares_agree() -> None:
    half_found = sure_map((0, 0, 5), (0, 5, 5))
    half_found[20:30, 20:25] = 0.3
    tally = tally_pixels([("a.tif", half_found, mask_of((0, 0, 10)))], {"a.tif": HECTARE})
    assert choose_pixel_threshold(tally, IOU) == 0.5
    threshold = choose_pixel_threshold(tally, PixelThresholdSettings(objective="area"))
    assert 0.1 < threshold <= 0.3


def test_what_is_unknown_or_without_data_is_not_counted() -> None:
    probability, mask = sure_map((0, 0, 4)), mask_of((0, 0, 4))
    probability[10] = np.nan
    mask[20] = 255
    tally = tally_pixels([("a.tif", probability, mask)], {"a.tif": HECTARE})
    assert (tally.mine.sum(), tally.mine.sum() + tally.other.sum()) == (16, 32 * 30)


def test_without_a_mine_no_threshold_can_be_chosen() -> None:
    with pytest.raises(ValueError, match="The 1 out-of-fold chips show no pixel of a mine"):
        choose_pixel_threshold(tally_pixels([("a.tif", sure_map(), mask_of())], {"a.tif": HECTARE}), IOU)


def test_without_any_chip_no_threshold_can_be_chosen_either() -> None:
    with pytest.raises(ValueError, match="no threshold can be chosen"):
        choose_pixel_threshold(tally_pixels([], {}), IOU)


def test_a_mask_of_another_size_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"map of a\.tif"):
        tally_pixels([("a.tif", sure_map(), mask_of(size=16))], {"a.tif": HECTARE})
