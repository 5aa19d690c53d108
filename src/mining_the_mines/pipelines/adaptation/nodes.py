"""Nodes of adaptation. torch is imported by the nodes that predict with a model or export it."""

import logging
import re
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mining_the_mines.chips.archives import ZippedChips, open_chips
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.folds import FoldSettings, find_places
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import PackedChips, pack_chips
from mining_the_mines.chips.quality import ACCEPTED, ChipSettings, describe_rejected
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_bytes
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.models.complete import MineClassifier
from mining_the_mines.models.description import describe
from mining_the_mines.models.novelty import UNLIKE
from mining_the_mines.pipelines.registration.nodes import bounds_of, predict_chips, version_tags
from mining_the_mines.pipelines.registration.registered_models import add_version
from mining_the_mines.registry.card import shorten, write_adaptation_card
from mining_the_mines.registry.package import PackageFacts, StoredPackage, take_figures
from mining_the_mines.registry.promotion import CHALLENGER, CHAMPION, RegistrationSettings
from mining_the_mines.registry.training_data import hash_chips, hash_data
from mining_the_mines.scoring.adaptation import METRICS, AdaptationSettings, AdaptedThreshold, adapt, check_labels
from mining_the_mines.scoring.calibration import Adaptation
from mining_the_mines.tracking.registry import Registration, find_champion

logger = logging.getLogger(__name__)


def read_region(
    region_chips: ChipFolder | ZippedChips,
    unpacked_chips: Path,
    classifier: MineClassifier,
    imagery: ChipSettings,
    adaptation: AdaptationSettings,
    drafts: Path,
) -> tuple[PackedChips, pd.DataFrame]:
    """Read and judge the chips of a region, and pack those that the model can use.

    Args:
        region_chips: The chips, and labels of some of them or of none.
        unpacked_chips: Folder to unpack archives in.
        classifier: The model; its bands and size of chips are wanted.
        imagery: How to read the chips; what it does not state is as in training.
        adaptation: Distance within which chips are one place.
        drafts: Folder to write the chips in.

    Returns:
        The packed chips, and one row per chip: ``filename``, ``label`` (missing where unknown), ``longitude``,
        ``latitude`` and ``place``.

    Raises:
        BadInputError: No chip can be used, as where the model wants other bands; labels name no chip, are too few, or
            of one class.
    """
    chips, settings = open_chips(region_chips, unpacked_chips), imagery.for_model(classifier.chips)
    manifest = take_inventory(_labelled_rows(chips), settings, progress_bar, keep_unlisted=True)
    told = describe_rejected(manifest)
    usable = manifest[manifest["verdict"] == ACCEPTED].reset_index(drop=True)
    if usable.empty:
        raise BadInputError(
            f"The model can use no chip in {chips.images} ({told}): mend them or their labels; the model takes the "
            f"bands {', '.join(settings.bands or ())} of {settings.size} × {settings.size} pixels."
        )
    if chips.labels is not None and usable["label"].isna().all():
        raise BadInputError(
            f"No label names a chip in {chips.images} that can be used ({told or 'all labels are empty'}): correct the "
            "label table, or take it away, and the model is adapted from its predictions alone."
        )
    if told:
        logger.warning("Some chips or labels are left out: %s.", told)
    check_labels(usable["label"].dropna(), adaptation, str(chips.images))
    usable["place"] = find_places(usable, FoldSettings(distance_km=adaptation.distance_km))
    packed = pack_chips(chips, manifest, settings, drafts / "region_packed_chips", progress_bar)
    return packed, usable[["filename", "label", "longitude", "latitude", "place"]]


def _labelled_rows(chips: ChipFolder) -> ChipFolder:
    """Leave out lines without a label, as of chips that are yet to be looked at."""
    if chips.labels is None:
        return chips
    return replace(chips, labels=chips.labels[chips.labels["label"].fillna("").str.strip() != ""])


def adapt_classifier(
    region_chips: ChipFolder | ZippedChips,
    region_packed_chips: PackedChips,
    region_table: pd.DataFrame,
    classifier: MineClassifier,
    adaptation: AdaptationSettings,
) -> tuple[MineClassifier, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Calibrate a classifier for a region and choose its threshold there.

    Args:
        region_chips: Names the region, if the parameter does not.
        region_packed_chips: The chips.
        region_table: Label and place of each.
        classifier: The model; an earlier adaptation of it is undone.
        adaptation: How to adapt.

    Returns:
        The adapted classifier; the table with ``probability`` before, ``adapted`` and ``novelty`` (percentile); scores
        before and after; and a summary as JSON values.

    Raises:
        BadInputError: Labels are too few or of one class, or an earlier version of the project made the model.
    """
    if classifier.home is None or classifier.novelty is None:
        raise BadInputError(
            "An earlier version of this project trained the classifier, and it has no calibration to start from: run "
            "--pipelines=evaluation,registration again, or name a newer version with --params=classifier=models:/…"
        )
    base = replace(classifier, adaptation=None)
    names = region_table["filename"].tolist()
    found = np.concatenate(list(predict_chips(base, region_packed_chips, names)))
    rows = region_packed_chips.rows(names)
    far = [classifier.novelty.score(region_packed_chips.reflectance(int(row))[None])[0] for row in rows]
    table = region_table.assign(probability=found, novelty=far)
    threshold = _home_threshold(classifier)
    fitted = adapt(table, threshold, classifier.home, adaptation)
    region = adaptation.region or _name_of(region_chips)
    adapted = replace(
        base,
        threshold=fitted.threshold.value,
        adaptation=Adaptation(
            region=region, calibration=fitted.calibration, labels=fitted.labels, home_threshold=threshold
        ),
        source=None,
    )
    logger.info("%s %s", region, fitted.reason)
    table["adapted"] = np.concatenate(list(predict_chips(adapted, region_packed_chips, names)))
    return adapted, table, fitted.scores, _summarise(region, fitted, table, threshold)


def _home_threshold(classifier: MineClassifier) -> float:
    return classifier.threshold if classifier.adaptation is None else classifier.adaptation.home_threshold


def _name_of(chips: ChipFolder | ZippedChips) -> str:
    """Name a region after the folder or archive of its chips."""
    folder = chips.root if isinstance(chips, ZippedChips) else chips.images
    named = folder.parent if folder.name == "images" else folder
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", named.resolve().stem).strip("-._") or "region"


def _summarise(region: str, fitted: AdaptedThreshold, table: pd.DataFrame, threshold: float) -> dict[str, Any]:
    unlike = float((table["novelty"] >= UNLIKE).mean())
    figures = {"threshold": fitted.threshold, "share_of_mines": fitted.share}
    return {
        "region": region,
        "chips": len(table),
        "labels": fitted.labels,
        "mines": fitted.mines,
        "places": fitted.places,
        "threshold_before": threshold,
        **{name: {end: _plain(value) for end, value in of._asdict().items()} for name, of in figures.items()},
        "calibration": fitted.calibration.model_dump(),
        "unlike_share": unlike,
        "suffices": fitted.suffices,
        "reason": fitted.reason,
    }


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def package_adapted_classifier(
    adapted_classifier: MineClassifier,
    region_packed_chips: PackedChips,
    region_predictions: pd.DataFrame,
    adaptation_scores: pd.DataFrame,
    adaptation_summary: dict[str, Any],
    registration: RegistrationSettings,
    drafts: Path,
) -> StoredPackage:
    """Export the adapted classifier, and write it with its card.

    Args:
        adapted_classifier: The model.
        region_packed_chips: Chips of the region.
        region_predictions: Their labels and places.
        adaptation_scores: Before and after.
        adaptation_summary: What was found.
        registration: Name of the model at home; the region's is added.
        drafts: Folder for the package until its dataset adopts it.

    Returns:
        The package, in a folder of its own below ``drafts``.
    """
    from mining_the_mines.registry.export import write_package

    labelled = region_predictions[region_predictions["label"].notna()]
    labels = labelled[["filename", "label", "place"]].to_csv(index=False, lineterminator="\n")
    after = adaptation_scores[(adaptation_scores["state"] == "after") & adaptation_scores["metric"].isin(METRICS)]
    description = describe(adapted_classifier, registration.pixel)
    facts = PackageFacts(
        name=f"{registration.name}-{adaptation_summary['region']}",
        data_hash=hash_data(region_packed_chips.content_hash, hash_bytes(labels.encode())),
        training_chips=len(labelled),
        bounds=bounds_of(region_predictions),
        scores=take_figures(after.assign(split="out-of-fold")),
    )
    card = write_adaptation_card(facts.name, description, adaptation_summary, adaptation_scores)
    chips = hash_chips(region_packed_chips, labelled["filename"].tolist())
    return write_package(
        adapted_classifier, description, facts, card, chips, drafts / f"{facts.name}.{uuid.uuid4().hex[:8]}"
    )


def register_adapted_classifier(
    adapted_package: StoredPackage, adaptation_summary: dict[str, Any], run_facts: dict[str, str]
) -> dict[str, Any]:
    """Register the adapted classifier under the region's name.

    It becomes the champion there if its labels suffice, or if the region has no champion yet.

    Args:
        adapted_package: The model.
        adaptation_summary: Whether the labels suffice.
        run_facts: The run and the code that made it.

    Returns:
        ``name``, and ``version`` in the registry; ``None``, with ``pending``, if the registry does not answer.
    """
    name = adapted_package.facts.name

    def wanted() -> Registration:
        champion = find_champion(name)
        wins = champion is None or adaptation_summary["suffices"]
        return Registration(
            name=name,
            folder=adapted_package.folder,
            content_hash=adapted_package.content_hash,
            description=shorten(adapted_package.card),
            tags=version_tags(adapted_package, run_facts) | {"region": adaptation_summary["region"]},
            decision={"decision": CHAMPION if wins else CHALLENGER, "decision.reason": adaptation_summary["reason"]},
            becomes_champion=wins,
            champion_version="" if champion is None else champion.version,
        )

    registered = add_version(name, adapted_package.folder, wanted)
    if registered["version"] is not None:
        logger.info("Use it with --params=classifier=models:/%s/%s.", name, registered["version"])
    return registered
