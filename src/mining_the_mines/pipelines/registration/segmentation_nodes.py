"""Nodes of registration for the segmenter."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.geo.grid import pixel_hectares
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.description import describe
from mining_the_mines.pipelines.evaluation.segmentation_nodes import SegmentationEvaluationSettings
from mining_the_mines.pipelines.registration.nodes import (
    ground_pixel,
    overall_scores,
    predict_chips,
    report_decision,
    unseen_rows,
)
from mining_the_mines.registry.card import CardData, break_down, region_of, title_of, write_card
from mining_the_mines.registry.package import StoredPackage
from mining_the_mines.registry.promotion import (
    Champion,
    PromotionCase,
    RegistrationSettings,
    RegistryView,
    decide,
    decide_unscored,
)
from mining_the_mines.scoring.segmentation import PairedMaps, WeightedSegmentationScores, measure_paired
from mining_the_mines.scoring.tables import SEGMENTER


def write_segmenter_card(
    segmenter: MineSegmenter,
    scores: pd.DataFrame,
    chip_scores: pd.DataFrame,
    folds: pd.DataFrame,
    masks: PackedPlanes,
    registration: RegistrationSettings,
    caveats: Sequence[str],
) -> str:
    """Write the model card of the segmenter from its score tables."""
    metric, intervals = registration.metric, registration.bootstrap
    categories = break_down(chip_scores, chip_scores["category"], WeightedSegmentationScores, metric, intervals)
    contents = CardData(
        name=registration.name,
        description=describe(segmenter, ground_pixel(masks)),
        folds=folds,
        scores=overall_scores(scores, SEGMENTER),
        by_category=categories.assign(part=categories["part"] + f" ({title_of(metric)})"),
        by_region=break_down(
            chip_scores, chip_scores["place"].map(region_of), WeightedSegmentationScores, metric, intervals
        ),
        metric=metric,
        caveats=tuple(caveats),
    )
    return write_card(contents)


def compare_segmenters(  # noqa: PLR0913, PLR0917 - all that two models are judged by
    package: StoredPackage,
    champion: RegistryView,
    chip_scores: pd.DataFrame,
    test_probability_maps: PackedPlanes,
    masks: PackedPlanes,
    packed_chips: PackedChips,
    registration: RegistrationSettings,
    evaluation: SegmentationEvaluationSettings,
) -> dict[str, Any]:
    """Decide whether the new segmenter takes the champion's place, on test chips that the champion has not seen.

    Args:
        package: The new segmenter.
        champion: The one in use, if there is one.
        chip_scores: Measures of the new one, chip by chip.
        test_probability_maps: Maps of the test chips by the new one.
        masks: The true masks.
        packed_chips: The chips.
        registration: Conditions of a win.
        evaluation: How segmentation is measured.

    Returns:
        The decision with its figures, as JSON values.
    """
    decision = decide_unscored(package, champion, packed_chips.bands, registration)
    if decision is None:
        rival, test = champion.champion, chip_scores[chip_scores["fold"].isna()]
        rows = unseen_rows(test, rival, packed_chips)
        if rival is None:
            case = PromotionCase(WeightedSegmentationScores(rows), rows["place"])
        else:
            pairs = _rival_maps(rival, test_probability_maps, masks, packed_chips, rows["filename"].tolist())
            areas = {name: pixel_hectares(grid) for name, grid in zip(masks.filenames, masks.grids, strict=True)}
            thresholds = (package.description.threshold, rival.model.threshold)
            measured = measure_paired(pairs, areas, thresholds, evaluation.measures)
            ours, theirs = (WeightedSegmentationScores(of) for of in (measured.candidate, measured.rival))
            case = PromotionCase(ours, rows["place"], theirs, rival.version, len(test) - len(rows), measured.one_sided)
        decision = decide(case, registration)
    return report_decision(decision, registration, champion)


def _rival_maps(
    rival: Champion, maps: PackedPlanes, masks: PackedPlanes, packed_chips: PackedChips, filenames: list[str]
) -> Iterator[PairedMaps]:
    """Yield the challenger's and the champion's map and the true mask of each chip; maps in half precision."""
    given = iter(zip(filenames, maps.rows(filenames).tolist(), masks.rows(filenames).tolist(), strict=True))
    for batch in predict_chips(rival.model, packed_chips, filenames):
        for probability in batch:
            name, own, truth = next(given)
            yield name, maps.array[own], probability.astype(np.float16), masks.array[truth]
