"""Nodes of registration. torch is imported by the nodes that export or apply a model."""

import logging
import math
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.degrees import longitude_span
from mining_the_mines.geo.grid import HECTARE, pixel_hectares
from mining_the_mines.models.complete import MineClassifier, MineSegmenter
from mining_the_mines.models.description import ModelDescription, describe
from mining_the_mines.models.predictor import Predictor
from mining_the_mines.pipelines.registration.registered_models import add_version, fetch_package
from mining_the_mines.registry.card import CardData, break_down, figure_with_interval, region_of, shorten, write_card
from mining_the_mines.registry.package import (
    TRAINING_CHIPS,
    PackageFacts,
    StoredPackage,
    read_model,
    take_figures,
)
from mining_the_mines.registry.promotion import (
    CHAMPION,
    COUNTS,
    Champion,
    Decision,
    PromotionCase,
    RegistrationSettings,
    RegistryView,
    decide,
    decide_unscored,
)
from mining_the_mines.registry.training_data import hash_chips, hash_data, hash_folds, not_seen
from mining_the_mines.scoring.bootstrap import Scorer
from mining_the_mines.scoring.metrics import weighted_scores
from mining_the_mines.sentinel2.reflectance import decode
from mining_the_mines.tracking.registry import RegisteredVersion, Registration, RegistryError, find_champion
from mining_the_mines.tracking.run import active_run

logger = logging.getLogger(__name__)

BATCH: Final = 32


def write_classifier_card(
    classifier: MineClassifier,
    scores: pd.DataFrame,
    category_scores: pd.DataFrame,
    predictions: pd.DataFrame,
    folds: pd.DataFrame,
    registration: RegistrationSettings,
    caveats: Sequence[str],
) -> str:
    """Write the model card of the chosen classifier from its score tables."""
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


def package_model(  # noqa: PLR0913, PLR0917 - all that a package holds
    model: MineClassifier | MineSegmenter,
    card: str,
    scores: pd.DataFrame,
    packed_chips: PackedChips,
    folds: pd.DataFrame,
    registration: RegistrationSettings,
    drafts: Path,
    masks: PackedPlanes | None = None,
) -> StoredPackage:
    """Export a model, and write it with its card and the hashes of its training chips.

    Args:
        model: The complete model.
        card: Its model card.
        scores: Scores of all models; those of this one are kept with it.
        packed_chips: The chips.
        folds: Split of the chips.
        registration: Its name, and the size of pixels where there are no masks.
        drafts: Folder for the package until its dataset adopts it.
        masks: True masks of a segmenter.

    Returns:
        The package, in a folder of its own below ``drafts``.
    """
    from mining_the_mines.registry.export import write_package

    description, facts = describe_package(model, scores, packed_chips, folds, registration, masks)
    chips = hash_chips(packed_chips, _training_chips(folds))
    folder = drafts / f"{registration.name}.{uuid.uuid4().hex[:8]}"
    return write_package(model, description, facts, card, chips, folder)


def describe_package(
    model: MineClassifier | MineSegmenter,
    scores: pd.DataFrame,
    packed_chips: PackedChips,
    folds: pd.DataFrame,
    registration: RegistrationSettings,
    masks: PackedPlanes | None = None,
) -> tuple[ModelDescription, PackageFacts]:
    """Describe a model and its training data; the arguments are those of :func:`package_model`."""
    description = describe(model, registration.pixel if masks is None else ground_pixel(masks))
    facts = PackageFacts(
        name=registration.name,
        data_hash=hash_data(packed_chips.content_hash, hash_folds(folds), "" if masks is None else masks.content_hash),
        training_chips=len(_training_chips(folds)),
        bounds=bounds_of(folds),
        scores=take_figures(overall_scores(scores, description.decided_by)),
    )
    return description, facts


def _training_chips(folds: pd.DataFrame) -> list[str]:
    return folds.loc[folds["split"] == "train", "filename"].tolist()


def fetch_champion(registration: RegistrationSettings, registered_models: Path) -> RegistryView:
    """Download the model in use.

    A registry that does not answer, or a champion of another project, is reported and ends no run.

    Args:
        registration: Name of the model.
        registered_models: Folder that keeps downloaded models.

    Returns:
        The champion, or the obstacle.
    """
    try:
        version = find_champion(registration.name)
        champion = None if version is None else _read_champion(version, registered_models)
    except RegistryError as error:
        logger.warning("%s can't be compared with the champion: %s", registration.name, error)
        return RegistryView(registration.name, obstacle=str(error))
    return RegistryView(registration.name, champion)


def _read_champion(version: RegisteredVersion, folder: Path) -> Champion:
    package = fetch_package(version, folder)
    path = package.folder / TRAINING_CHIPS
    try:
        chips = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise RegistryError(f"{path} can't be read: remove {package.folder}, and it is downloaded again.") from error
    try:
        model = read_model(package)
    except BadInputError as error:  # stored by an earlier version of this project
        raise RegistryError(f"{error} Or give the alias {CHAMPION} to another version by hand.") from error
    return Champion(version.version, package.content_hash, model, chips)


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
        predictions: Predictions of the new one, among others.
        packed_chips: The chips.
        registration: Conditions of a win.

    Returns:
        The decision with its figures, as JSON values.
    """
    own = predictions[predictions["model"] == package.description.decided_by]
    test = own[own["fold"].isna()]

    decision = decide_unscored(package, champion, packed_chips.bands, registration)
    if decision is None:
        case = _classifier_case(package, champion.champion, test, packed_chips)
        decision = decide(case, registration)
    return report_decision(decision, registration, champion)


def _classifier_case(
    package: StoredPackage, rival: Champion | None, test: pd.DataFrame, packed_chips: PackedChips
) -> PromotionCase:
    rows = unseen_rows(test, rival, packed_chips)
    if rows.empty:
        return _empty(rival, len(test))
    ours = weighted_scores(rows["label"], rows["probability"], package.description.threshold)
    if rival is None:
        return PromotionCase(ours, rows["place"])
    found = np.concatenate(list(predict_chips(rival.model, packed_chips, rows["filename"].tolist())))
    theirs = weighted_scores(rows["label"], pd.Series(found, rows.index), rival.model.threshold)
    return PromotionCase(ours, rows["place"], theirs, rival.version, len(test) - len(rows))


def register_model(
    package: StoredPackage,
    promotion: dict[str, Any],
    run_facts: dict[str, str],
    registration: RegistrationSettings,
    teacher: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Register a model with its card and tags, and make it the champion if it won.

    Args:
        package: The model.
        promotion: The decision.
        run_facts: The run and the code that made it.
        registration: Its name.
        teacher: Name and version of the model that taught it, if one did.

    Returns:
        As of :func:`~mining_the_mines.pipelines.registration.registered_models.add_version`.
    """
    wanted = Registration(
        name=registration.name,
        folder=package.folder,
        content_hash=package.content_hash,
        description=shorten(package.card),
        tags=version_tags(package, run_facts) | _teacher_tag(package, teacher),
        decision=_decision_tags(promotion),
        becomes_champion=promotion["outcome"] == CHAMPION,
        champion_version=promotion["champion_version"],
    )
    return add_version(registration.name, package.folder, lambda: wanted)


def _teacher_tag(package: StoredPackage, teacher: dict[str, Any] | None) -> dict[str, str]:
    """The teacher's version; its content hash if the registry did not answer when it was to be registered."""
    if teacher is not None and teacher["version"] is not None:
        return {"teacher": f"{teacher['name']} {teacher['version']}"}
    return {} if package.description.teacher is None else {"teacher": package.description.teacher}


def version_tags(package: StoredPackage, run_facts: dict[str, str]) -> dict[str, str]:
    """Return the tags of a version: input, threshold, scores, data, run and code.

    Args:
        package: The model.
        run_facts: The run and the code that made it.
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
        **run_tags(run_facts),
    }
    for figure in facts.scores:
        if figure.value is not None:
            ends = (np.nan if end is None else end for end in (figure.low, figure.high))
            tags[f"score.{figure.split}.{figure.metric}"] = figure_with_interval(figure.value, *ends)
    return tags


def run_tags(run_facts: dict[str, str]) -> dict[str, str]:
    """Return the tags that name the run and the code of a version."""
    named = {"run_id": "MLflow run", "git_commit": "Git commit", "git_dirty": "Git dirty"}
    return {tag: run_facts.get(fact, "unknown") for tag, fact in named.items()}


def overall_scores(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    """Return one model's scores over all chips; a segmenter's table holds one model alone."""
    whole = scores[scores["category_excluded"].isna()]
    return whole[whole["model"] == model] if (whole["model"] == model).any() else whole


def unseen_rows(test: pd.DataFrame, rival: Champion | None, packed_chips: PackedChips) -> pd.DataFrame:
    """Return the test chips whose pixels the champion was not trained on; all of them without a champion."""
    if rival is None or test.empty:
        return test
    hashes = hash_chips(packed_chips, test["filename"].tolist())
    return test[test["filename"].isin(not_seen(hashes, rival.training_chips))]


def predict_chips(
    model: Predictor,
    packed_chips: PackedChips,
    filenames: Sequence[str],
) -> Iterator[npt.NDArray[np.floating]]:
    """Predict chips with a model that may want fewer bands, or another order.

    Args:
        model: The complete model.
        packed_chips: All packed chips.
        filenames: Chips to predict.

    Yields:
        Predictions of a batch.
    """
    bands = [packed_chips.bands.index(band) for band in model.chips.bands]
    rows = packed_chips.rows(filenames)
    for start in range(0, len(rows), BATCH):
        yield model.predict(decode(packed_chips.array[rows[start : start + BATCH]][:, bands]))


def report_decision(decision: Decision, registration: RegistrationSettings, champion: RegistryView) -> dict[str, Any]:
    """Log a decision, and return it as JSON values; ``pending`` makes the next run decide again."""
    role = "is the champion" if decision.outcome == CHAMPION else "stays the challenger"
    logger.info("%s %s: %s", registration.name, role, decision.reason)
    record = {"name": registration.name, **decision.record()}
    if champion.obstacle:
        record["pending"] = True
    if (run := active_run()) is not None:
        run.log_metrics({f"registration/{registration.name}/{name}": value for name, value in _flat(record).items()})
    return record


def ground_pixel(masks: PackedPlanes) -> float:
    """Measure pixels on the ground, on which the hectares of a segmenter depend.

    Args:
        masks: Masks with the grids of their chips.

    Returns:
        Edge in metres, to the millimetre, of a square with the area of the median chip's middle pixel.
    """
    hectares = float(np.median([pixel_hectares(grid) for grid in masks.grids]))
    return round(math.sqrt(hectares * HECTARE), 3)


class _NoScores(Scorer):
    def __call__(self, weights: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:  # noqa: ARG002
        return {}


def _empty(rival: Champion | None, left_out: int) -> PromotionCase:
    if rival is None:
        return PromotionCase(_NoScores(), [])
    return PromotionCase(_NoScores(), [], _NoScores(), rival.version, left_out)


def bounds_of(chips: pd.DataFrame) -> tuple[float, float, float, float] | None:
    """Return west, south, east and north of the chips in degrees; ``None`` if no chip has coordinates."""
    if not {"longitude", "latitude"} <= set(chips.columns):
        return None
    placed = chips.dropna(subset=["longitude", "latitude"])
    if placed.empty:
        return None
    west, east = longitude_span(placed["longitude"].to_numpy(dtype=np.float64))
    return west, float(placed["latitude"].min()), east, float(placed["latitude"].max())


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
