"""Nodes of inference."""

import logging
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mining_the_mines.chips.archives import ZippedChips, open_chips
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.quality import ChipSettings, judge_chip
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.mapping.chip_segmentation import SegmentedChips, segment_folder
from mining_the_mines.mapping.settings import VectorSettings
from mining_the_mines.models.novelty import UNLIKE, UNLIKE_SHARE
from mining_the_mines.models.predictor import Predictor
from mining_the_mines.rasters.chip import Chip
from mining_the_mines.rasters.judge import gather_doubts

logger = logging.getLogger(__name__)

#: Chips in a batch.
BATCH = 32
#: Columns of the table of predictions.
COLUMNS = {"filename": "str", "probability": "float64", "label": "Int64", "novelty": "float64", "error": "str"}


def classify_chips(
    unlabelled_chips: ChipFolder | ZippedChips, unpacked_chips: Path, classifier: Predictor, imagery: ChipSettings
) -> pd.DataFrame:
    """Classify every chip of a folder; a chip that can't be judged gets the reason instead.

    Args:
        unlabelled_chips: The folder, or an archive of it.
        unpacked_chips: Folder to unpack archives in.
        classifier: The model.
        imagery: How to read the chips; what it does not state is as in training.

    Returns:
        One row per chip: ``filename``, ``probability``, ``label`` (1 for a mine), ``novelty`` (percentile among the
        training chips, missing for models of earlier versions) and ``error``.
    """
    rows: list[dict[str, Any]] = []
    waiting: list[tuple[str, Chip]] = []
    doubts: dict[str, tuple[str, ...]] = {}
    chips = open_chips(unlabelled_chips, unpacked_chips)
    settings = imagery.for_model(classifier.chips)
    for filename in progress_bar(chips.filenames, "Classifying chips"):
        try:
            chip, doubts[filename] = _read(chips, filename, settings)
            waiting.append((filename, chip))
        except BadInputError as error:
            rows.append({"filename": filename, "probability": np.nan, "label": pd.NA, "error": str(error)})
        if len(waiting) == BATCH:
            rows += _decide(waiting, classifier)
            waiting = []
    rows += _decide(waiting, classifier)
    predictions = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS).sort_values("filename", ignore_index=True)
    counts = Counter(predictions["label"].fillna(-1))
    for doubt in gather_doubts(doubts, "chips"):
        logger.warning("%s", doubt)
    logger.info("%d chips with a mine, %d without, %d that can't be judged.", counts[1], counts[0], counts[-1])
    reasons = predictions.loc[predictions["error"] != "", "error"]
    if len(reasons):
        logger.warning("%d of %d chips can't be judged, such as: %s", len(reasons), len(predictions), reasons.iloc[0])
    unlike = int((predictions["novelty"] >= UNLIKE).sum())
    if unlike > UNLIKE_SHARE * len(predictions):
        logger.warning(
            "%d of %d chips are unlike anything that the model has learnt from (novelty %g or more): check some of "
            "them by eye, and adapt the model with --pipelines=adaptation.", unlike, len(predictions), UNLIKE,
        )  # fmt: skip
    return predictions


def fill_in_submission(chip_predictions: pd.DataFrame) -> pd.DataFrame:
    """Fill in the competition's form: file name and label, in the order of the chips' numbers.

    A chip that can't be judged is entered as 0, no mine.
    """
    form = chip_predictions[["filename", "label"]].fillna({"label": 0})
    unknown = int(chip_predictions["label"].isna().sum())
    if unknown:
        logger.warning("%d chips that can't be judged are entered as 0, no mine.", unknown)
    return form.sort_values("filename", key=lambda names: names.map(_by_number), ignore_index=True)


def segment_chips(
    unlabelled_chips: ChipFolder | ZippedChips,
    unpacked_chips: Path,
    segmenter: Predictor,
    imagery: ChipSettings,
    vectors: VectorSettings,
    drafts: Path,
) -> SegmentedChips:
    """Segment a folder of chips to probability maps, masks and polygons; unusable chips get the reason instead.

    Args:
        unlabelled_chips: The folder, or an archive of it; its chips may have any sizes.
        unpacked_chips: Folder to unpack archives in.
        segmenter: The model.
        imagery: How to read the chips; what it does not state is as in training.
        vectors: Patches that become polygons.
        drafts: Folder to write the results in.

    Returns:
        The results in the folder.
    """
    chips = open_chips(unlabelled_chips, unpacked_chips)
    reading = imagery.for_model(segmenter.chips)
    return segment_folder(chips, segmenter, reading, vectors, drafts / "segmented_chips", progress_bar)


def _read(folder: ChipFolder, filename: str, settings: ChipSettings) -> tuple[Chip, tuple[str, ...]]:
    """Read a chip, with the doubts about it."""
    path = folder.path(filename)
    chip = settings.read(path)
    size = (settings.size, settings.size)
    if chip.reflectance.shape[1:] != size:
        height, width = chip.reflectance.shape[1:]
        raise BadInputError(
            f"{path} is {width} × {height} pixels and the model takes {size[0]} × {size[1]}: cut it to that size."
        )
    verdict = judge_chip(chip, settings)
    if verdict.fault is not None:
        raise BadInputError(f"{path} can't be judged ({verdict.fault}): give a better chip of the place.")
    return chip, verdict.doubts


def _decide(waiting: list[tuple[str, Chip]], classifier: Predictor) -> list[dict[str, Any]]:
    if not waiting:
        return []
    reflectance = np.stack([chip.reflectance for _, chip in waiting])
    probabilities = classifier.predict(reflectance)
    unknown = np.full(len(waiting), np.nan)
    novelty = unknown if classifier.novelty is None else classifier.novelty.score(reflectance)
    return [
        {
            "filename": name,
            "probability": value,
            "label": int(value >= classifier.threshold),
            "novelty": far,
            "error": "",
        }
        for (name, _), value, far in zip(waiting, probabilities, novelty, strict=True)
    ]


def _by_number(filename: str) -> tuple[str, int]:
    match = re.search(r"(\d+)(?=\D*$)", filename)
    return (filename[: match.start()], int(match.group())) if match else (filename, -1)
