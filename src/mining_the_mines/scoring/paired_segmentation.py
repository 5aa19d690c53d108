"""Two ways of outlining the same chips, each judged on the pixels that both have judged.

A map has no probability where a band that it wants lacks data. If each were judged on its own pixels, one that is
silent where the ground is hard would look better than one that tries.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from mining_the_mines.scoring.pixel_tally import UNKNOWN, Mask, ProbabilityMap, known_pixels
from mining_the_mines.scoring.segmentation_measures import MEASURE_COLUMNS, SegmentationMeasureSettings, measure_chip

#: Filename, the candidate's and the rival's probability map (H, W), and true mask (H, W) of a chip.
RivalMaps: TypeAlias = tuple[str, ProbabilityMap, ProbabilityMap, Mask]


@dataclass(frozen=True)
class PairedMeasures:
    """What :func:`measure_paired` finds.

    Attributes:
        candidate: Measures of the candidate, as :func:`measure_segmentation`
            gives them.
        rival: Those of the rival, of the same pixels of the same chips in the same order.
        one_sided: Pixels of known truth that only one of the two has judged, and that have no part in any measure.
    """

    candidate: pd.DataFrame
    rival: pd.DataFrame
    one_sided: int


def measure_paired(
    chips: Iterable[RivalMaps],
    hectares_per_pixel: Mapping[str, float],
    thresholds: tuple[float, float],
    settings: SegmentationMeasureSettings,
) -> PairedMeasures:
    """Measure two outlines of each chip on the pixels that both have judged, one chip at a time.

    Args:
        chips: Both maps and the truth.
        hectares_per_pixel: Area of a pixel by filename.
        thresholds: From which probability on a pixel is called a mine, by the candidate and by the rival.
        settings: How to measure.

    Returns:
        The measures of both.

    Raises:
        ValueError: If a map and its mask differ in size.
    """
    rows: tuple[list[dict[str, object]], list[dict[str, object]]] = ([], [])
    one_sided = 0
    for name, *maps, mask in chips:
        judged = [known_pixels(name, probability, mask) for probability in maps]
        one_sided += int((judged[0] ^ judged[1]).sum())
        common = np.where(judged[0] & judged[1], mask, np.uint8(UNKNOWN))
        for found, probability, threshold in zip(rows, maps, thresholds, strict=True):
            measures = measure_chip(probability, common, threshold, hectares_per_pixel[name], settings, name)
            found.append({"filename": name, **measures})
    candidate, rival = (pd.DataFrame(found, columns=list(MEASURE_COLUMNS)) for found in rows)
    return PairedMeasures(candidate, rival, one_sided)
