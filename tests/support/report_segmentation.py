"""Made-up segmented chips that look like those of a real run, and their report data."""

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from mining_the_mines.reporting.galleries import Fit, SegmentationTile
from mining_the_mines.reporting.pictures import true_colour
from mining_the_mines.reporting.segmentation_part import SegmentationData
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.segmentation import (
    MaskPair,
    SegmentationMeasureSettings,
    measure_segmentation,
    segmentation_score_table,
)
from mining_the_mines.scoring.tables import chip_predictions, score_table
from mining_the_mines.scoring.thresholds import (
    PixelThresholdSettings,
    choose_pixel_threshold,
    pixel_threshold_curve,
    tally_pixels,
)
from support.reports import make_folds, make_learning_curves, make_predictions

HECTARES_A_PIXEL = 0.01


def make_segmented_chip(
    seed: int, size: int, *, mine: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float16]]:
    """A chip in true colour, its true mask with a corner unknown, and a map of some skill."""
    rng = np.random.default_rng(seed)
    relief = gaussian_filter(rng.normal(0, 1, (size, size)), size / 14)
    relief /= relief.std()
    rows, columns = np.mgrid[:size, :size]
    centre, reach = rng.uniform(0.3, 0.7, 2) * size, rng.uniform(0.1, 0.28) * size
    height = reach - np.hypot(rows - centre[0], columns - centre[1]) + size * 0.06 * relief
    truth = np.where(mine & (height > 0), 1, 0).astype(np.uint8)
    ground = np.array([0.03, 0.05, 0.03])[:, None, None] * (1.4 + 0.4 * relief)
    pit = np.array([0.26, 0.21, 0.16])[:, None, None] + relief * 0.03
    bare = np.array([0.16, 0.13, 0.10])[:, None, None] + relief * 0.02
    look_alike = binary_dilation(height > 0, iterations=max(1, size // 20)) if seed % 3 == 0 else height > reach * 0.8
    pixels = np.where(truth == 1, pit, np.where(look_alike, bare, ground)) + rng.normal(0, 0.004, (3, size, size))
    doubt = gaussian_filter(rng.normal(0, 1, (size, size)), size / 20)
    logit = 6 * (truth - 0.4) + 2.2 * doubt / doubt.std() + (1.5 if seed % 3 == 0 else 0) * look_alike
    if seed % 4 == 0:
        truth[: size // 8, : size // 5] = 255
    return true_colour(pixels.astype(np.float32)), truth, (1 / (1 + np.exp(-logit))).astype(np.float16)


@cache
def make_maps(chips: int, size: int) -> tuple[tuple[NDArray[np.uint8], MaskPair], ...]:
    """True colour, name, map and mask of each chip of :func:`reporting.reports.make_folds`."""
    folds = make_folds(chips)
    made = []
    for seed, (name, label) in enumerate(zip(folds["filename"], folds["label"], strict=True)):
        photograph, truth, probability = make_segmented_chip(seed, size, mine=label == 1)
        made.append((photograph, (str(name), probability, truth)))
    return tuple(made)


def make_tiles(chips: pd.DataFrame, threshold: float, size: int, each: int) -> tuple[SegmentationTile, ...]:
    """As many chips of each kind."""
    mines = chips[chips["true_hectares"] > 0].sort_values("iou")
    alarms = chips[(chips["true_hectares"] == 0) & (chips["predicted_hectares"] > 0)]
    kinds: tuple[tuple[Fit, pd.DataFrame], ...] = (
        ("worst", mines.head(each)),
        ("typical", mines.iloc[len(mines) // 2 :].head(each)),
        ("best", mines.tail(each)),
        ("false", alarms.head(each)),
    )
    maps = {pair[0]: (photograph, pair) for photograph, pair in make_maps(len(chips), size)}
    tiles = []
    for kind, rows in kinds:
        for _, row in rows.iterrows():
            photograph, (name, probability, truth) = maps[row["filename"]]
            called = probability >= np.float64(threshold)
            figures = (float(row[column]) for column in ("iou", "true_hectares", "predicted_hectares"))
            split = "test" if pd.isna(row["fold"]) else "out-of-fold"
            tiles.append(SegmentationTile(name, kind, split, photograph, truth, called, *figures))
    return tuple(tiles)


def make_inventory() -> pd.DataFrame:
    """Features of a file, some of them broken."""
    counts = (
        ("accepted", None, 71, 2.4),
        ("repaired", "self-intersection", 28, 3.1),
        ("dropped", "line, not a polygon", 4, np.nan),
        ("dropped", "empty geometry", 1, np.nan),
    )
    rows = [
        {"layer": "mines", "feature": index, "verdict": verdict, "reason": reason, "hectares": area}
        for verdict, reason, number, area in counts
        for index in range(number)
    ]
    return pd.DataFrame(rows)


def make_mask_table(chips: pd.DataFrame) -> pd.DataFrame:
    """Masks of all chips but one, which lies nowhere."""
    mine = (chips["true_positive"] + chips["false_negative"]).to_numpy()
    known = mine + (chips["false_positive"] + chips["true_negative"]).to_numpy()
    table = pd.DataFrame(
        {
            "filename": chips["filename"],
            "reason": None,
            "polygons": (mine > 0).astype(int),
            "slivers": (mine == 0) * (np.arange(len(chips)) % 9 == 0),
            "mine_pixels": mine,
            "known_pixels": known,
            "mine_hectares": mine * HECTARES_A_PIXEL,
        }
    )
    nowhere = {"filename": "nowhere.tif", "reason": "it has no coordinate system"}
    return pd.concat([table, pd.DataFrame([nowhere])], ignore_index=True)


def make_segmentation(chips: int = 60, *, size: int = 48, each: int = 2, resamples: int = 50) -> SegmentationData:
    """All that a report can show of a segmenter."""
    folds = make_folds(chips)
    pairs = [pair for _, pair in make_maps(chips, size)]
    known = folds.set_index("filename")["fold"].notna()
    areas = dict.fromkeys(folds["filename"], HECTARES_A_PIXEL)
    tally = tally_pixels([pair for pair in pairs if known[pair[0]]], areas)
    threshold = choose_pixel_threshold(tally, PixelThresholdSettings())
    measures = measure_segmentation(pairs, areas, threshold, SegmentationMeasureSettings()).merge(folds, on="filename")
    settings = BootstrapSettings(resamples=resamples)
    classifiers = make_predictions(folds)
    compared = pd.concat([chip_predictions(measures), classifiers[classifiers["model"] != "blend"]])
    return SegmentationData(
        score_table=segmentation_score_table(measures, settings),
        chip_table=measures,
        threshold=threshold,
        threshold_curve=pixel_threshold_curve(tally),
        gallery=make_tiles(measures, threshold, size, each),
        mask_table=make_mask_table(measures),
        polygon_inventory=make_inventory(),
        learning_curves=make_learning_curves().replace({"metric": {"roc_auc": "iou"}}),
        chip_score_table=score_table(compared, dict.fromkeys(compared["model"].unique(), 0.5), settings),
    )
