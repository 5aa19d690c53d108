"""Nodes of registration. torch is imported by the nodes that describe a model or predict with one."""

import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.geo.grid import HECTARE, pixel_hectares
from mining_the_mines.registry.breakdown import break_down, region_of
from mining_the_mines.registry.card import CardData, figure_with_interval, shorten, write_card
from mining_the_mines.registry.champion import Champion, RegistryView
from mining_the_mines.registry.compatibility import decide_beforehand
from mining_the_mines.registry.data_hash import hash_data, hash_folds
from mining_the_mines.registry.package import ModelPackage, PackageFacts, StoredPackage, take_figures
from mining_the_mines.registry.promotion import CHAMPION, COUNTS, Decision, PromotionCase, decide
from mining_the_mines.registry.seen_chips import hash_chips, not_seen
from mining_the_mines.registry.settings import RegistrationSettings
from mining_the_mines.scoring.bootstrap import Scorer
from mining_the_mines.scoring.metrics import weighted_scores
from mining_the_mines.sentinel2.reflectance import decode
from mining_the_mines.tracking.registry import Registration
from mining_the_mines.tracking.run import active_run

logger = logging.getLogger(__name__)

BATCH: Final = 32


def write_classifier_card(
    classifier: Any,  # noqa: ANN401 - a MineClassifier; its module loads torch
    scores: pd.DataFrame,
    category_scores: pd.DataFrame,
    predictions: pd.DataFrame,
    folds: pd.DataFrame,
    registration: RegistrationSettings,
    caveats: Sequence[str],
) -> str:
    """Write the model card of the chosen classifier from its score tables."""
    from mining_the_mines.models.export import describe

    own = predictions[predictions["model"] == classifier.chosen]
    metric = registration.metric
    regions = break_down(
        own,
        own["place"].map(region_of),
        lambda rows: weighted_scores(rows["label"], rows["probability"], classifier.threshold),
        metric,
        registration.bootstrap,
    )
    categories = category_scores[category_scores["model"] == classifier.chosen]
    contents = CardData(
        name=registration.name,
        description=describe(classifier, registration.pixel),
        folds=folds,
        scores=overall_scores(scores, classifier.chosen),
        by_category=categories.assign(part=categories["category"] + " (" + categories["metric"] + ")"),
        by_region=regions,
        metric=metric,
        caveats=tuple(caveats),
    )
    return write_card(contents)


def package_model(
    model: Any,  # noqa: ANN401 - a MineClassifier or a MineSegmenter
    card: str,
    scores: pd.DataFrame,
    packed_chips: PackedChips,
    folds: pd.DataFrame,
    registration: RegistrationSettings,
    masks: PackedPlanes | None = None,
) -> ModelPackage:
    """Join a model, its card and the chips that it was trained on into what strangers load.

    Args:
        model: The complete model.
        card: Its model card.
        scores: Of all models; those of this one are kept with it.
        packed_chips: The chips.
        folds: Tells which of them were trained on.
        registration: Its name, and the size of pixels where no masks tell it.
        masks: What it was trained on beside the chips, if it outlines mines.

    Returns:
        The package, which is exported as it is saved.
    """
    from mining_the_mines.models.export import describe

    description = describe(model, registration.pixel if masks is None else ground_pixel(masks))
    trained = folds.loc[folds["split"] == "train", "filename"].tolist()
    facts = PackageFacts(
        name=registration.name,
        data_hash=hash_data(packed_chips.content_hash, hash_folds(folds), "" if masks is None else masks.content_hash),
        training_chips=len(trained),
        bounds=_bounds(folds),
        scores=take_figures(overall_scores(scores, description.decided_by)),
    )
    return ModelPackage(model, description, facts, card, hash_chips(packed_chips, trained))


def compare_classifiers(
    package: StoredPackage,
    champion: RegistryView,
    predictions: pd.DataFrame,
    packed_chips: PackedChips,
    registration: RegistrationSettings,
) -> dict[str, Any]:
    """Decide whether the new classifier takes the champion's place, on test chips that the champion has not seen.

    Args:
        package: The new classifier.
        champion: The one in use, if there is one.
        predictions: Of the new one, among others.
        packed_chips: The chips.
        registration: What it takes to win.

    Returns:
        The decision with its figures, as JSON knows them.
    """
    own = predictions[predictions["model"] == package.description.decided_by]
    test = own[own["fold"].isna()]

    def score(rows: pd.DataFrame, probabilities: "pd.Series[float]", threshold: float) -> Scorer:
        return weighted_scores(rows["label"], probabilities, threshold)

    def judge(rows: pd.DataFrame, rival: Champion | None) -> PromotionCase:
        if rows.empty:
            return _empty(rival, len(test))
        ours = score(rows, rows["probability"], package.description.threshold)
        if rival is None:
            return PromotionCase(ours, rows["place"])
        found = np.concatenate(list(predict_chips(rival.model, packed_chips, rows["filename"].tolist())))
        theirs = score(rows, pd.Series(found, rows.index), rival.model.threshold)
        return PromotionCase(ours, rows["place"], theirs, rival.version, len(test) - len(rows))

    decision = decide_beforehand(package, champion, packed_chips.bands, registration)
    if decision is None:
        rows = unseen_rows(test, champion.champion, packed_chips)
        decision = decide(judge(rows, champion.champion), registration)
    return tell(decision, registration)


def register_model(
    package: StoredPackage, promotion: dict[str, Any], run_facts: dict[str, str], registration: RegistrationSettings
) -> Registration:
    """Put a model forward with its card and with what it is looked up by in the registry.

    Args:
        package: The model.
        promotion: Whether it becomes the champion.
        run_facts: Which run and which code made it.
        registration: Its name.

    Returns:
        What is registered when it is saved.
    """
    description, facts = package.description, package.facts
    tags = {
        "task": description.task,
        "decided_by": description.decided_by,
        "bands": ",".join(description.bands),
        "chip_size": str(description.chip_size),
        "pixel_metres": f"{description.pixel_metres:g}",
        "threshold": repr(description.threshold),
        "data_hash": facts.data_hash,
        "run_id": run_facts.get("MLflow run", "unknown"),
        "git_commit": run_facts.get("Git commit", "unknown"),
        "git_dirty": run_facts.get("Git dirty", "unknown"),
    }
    for figure in facts.scores:
        if figure.value is not None:
            ends = (np.nan if end is None else end for end in (figure.low, figure.high))
            tags[f"score.{figure.split}.{figure.metric}"] = figure_with_interval(figure.value, *ends)
    return Registration(
        name=registration.name,
        folder=package.folder,
        content_hash=package.content_hash,
        description=shorten(package.card),
        tags=tags,
        decision=_decision_tags(promotion),
        becomes_champion=promotion["outcome"] == CHAMPION,
        champion_version=promotion["champion_version"],
    )


def overall_scores(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    """Take the scores of one model over all chips out of a table of several; that of outlines holds one alone."""
    whole = scores[scores["category_excluded"].isna()]
    return whole[whole["model"] == model] if (whole["model"] == model).any() else whole


def unseen_rows(test: pd.DataFrame, rival: Champion | None, packed_chips: PackedChips) -> pd.DataFrame:
    """The test chips that the champion was not trained on, told by their pixels; without a champion all of them."""
    if rival is None or test.empty:
        return test
    hashes = hash_chips(packed_chips, test["filename"].tolist())
    return test[test["filename"].isin(not_seen(hashes, rival.training_chips))]


def predict_chips(
    model: Any,  # noqa: ANN401 - a MineClassifier or a MineSegmenter
    packed_chips: PackedChips,
    filenames: Sequence[str],
) -> Iterator[npt.NDArray[np.floating]]:
    """Predict chips with a model that may want fewer bands than they have, or in another order.

    Args:
        model: The complete model.
        packed_chips: All packed chips.
        filenames: Which of them.

    Yields:
        What the model gives for a batch.
    """
    bands = [packed_chips.bands.index(band) for band in model.chips.bands]
    rows = packed_chips.rows(filenames)
    for start in range(0, len(rows), BATCH):
        yield model.predict(decode(packed_chips.array[rows[start : start + BATCH]][:, bands]))


def tell(decision: Decision, registration: RegistrationSettings) -> dict[str, Any]:
    """Say what was decided, and give it the form in which it is kept."""
    role = "is the champion" if decision.outcome == CHAMPION else "stays the challenger"
    logger.info("%s %s: %s", registration.name, role, decision.reason)
    if (run := active_run()) is not None:
        run.log_metrics({f"registration/{registration.name}/{name}": value for name, value in decision.figures.items()})
    return {"name": registration.name, **decision.record()}


def ground_pixel(masks: PackedPlanes) -> float:
    """Measure pixels where they lie: hectares that a segmenter tells are only as true as that.

    Args:
        masks: With the grids of their chips.

    Returns:
        Edge in metres, to the millimetre, of a square of the area that the median chip's middle pixel covers.
    """
    hectares = float(np.median([pixel_hectares(grid) for grid in masks.grids]))
    return round(math.sqrt(hectares * HECTARE), 3)


def _empty(rival: Champion | None, left_out: int) -> PromotionCase:
    def nothing(_weights: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
        return {}

    if rival is None:
        return PromotionCase(nothing, [])
    return PromotionCase(nothing, [], nothing, rival.version, left_out)


def _bounds(folds: pd.DataFrame) -> tuple[float, float, float, float] | None:
    if not {"longitude", "latitude"} <= set(folds.columns) or folds[["longitude", "latitude"]].isna().all(axis=None):
        return None
    lon, lat = folds["longitude"], folds["latitude"]
    return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())


def _decision_tags(promotion: dict[str, Any]) -> dict[str, str]:
    tags = {"decision": promotion["outcome"], "decision.reason": promotion["reason"]}
    tags |= {f"decision.{name}": str(promotion[name]) for name in ("metric", "margin", "confidence", "resamples")}
    return tags | {f"decision.{name}": f"{value:.6g}" for name, value in _flat(promotion).items()}


def _flat(promotion: dict[str, Any]) -> dict[str, float]:
    figures = {name: float(promotion[name]) for name in COUNTS}
    for name in ("challenger", "champion", "difference"):
        of = promotion[name] or {}
        ends = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
        figures |= {ends[end]: value for end, value in of.items() if value is not None}
    return figures
