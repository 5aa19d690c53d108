"""Two outlines of a chip are judged on the pixels that both have judged."""

import numpy as np

from mining_the_mines.scoring.segmentation_measures import (
    PairedMeasures,
    ProbabilityMap,
    SegmentationMeasureSettings,
    measure_paired,
    measure_segmentation,
)
from support.scored_segmentation import HECTARE, mask_of, sure_map

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


def test_silence_about_a_false_alarm_is_no_merit() -> None:
    measured = rivals(silent_at(FALSE_ALARM, slice(18, 28)), FALSE_ALARM)
    assert measured.candidate.equals(measured.rival)
    assert measured.candidate["iou"].item() == 1
    assert measured.one_sided == 100


def test_holes_that_both_have_are_not_one_sided() -> None:
    holey = silent_at(FALSE_ALARM, slice(18, 28))
    assert rivals(holey, holey).one_sided == 0


def test_without_holes_each_is_measured_as_if_it_were_alone() -> None:
    measured = rivals(sure_map((8, 8, 8)), FALSE_ALARM)
    alone = measure_segmentation([("a.tif", FALSE_ALARM, TRUTH)], {"a.tif": HECTARE}, 0.5, SETTINGS)
    assert measured.rival.equals(alone)
    assert measured.candidate["iou"].item() == 1


def test_each_calls_mines_by_its_own_threshold() -> None:
    found = sure_map((8, 8, 8))
    pairs = [("a.tif", found, found, TRUTH)]
    measured = measure_paired(pairs, {"a.tif": HECTARE}, (0.5, 0.95), SETTINGS)
    assert (measured.candidate["iou"].item(), measured.rival["iou"].item()) == (1, 0)
