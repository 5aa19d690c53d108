"""Scored runs, read back from their artifacts."""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.ledger.records import RUN_RECORD
from mining_the_mines.scoring.run_comparison import MADE_OF, ScoredRun, hashes_of
from mining_the_mines.tracking.runs import TrackedFacts

#: Folders of a run's artifacts: those of each task lie in one of their own.
_CLASSIFICATION, _SEGMENTATION, _SHARED = "classification", "segmentation", ""
_BOOKS, _RECORD = RUN_RECORD.split("/")
#: Names of tables of earlier runs.
_EARLIER_NAMES = {
    "segmentation_chip_scores.csv": "outline_chip_scores.csv",
    "segmentation_scores.csv": "outline_scores.csv",
}
_CHIP_TYPES = {"label": "Int64", "category": "str", "place": "str", "fold": "Int64"}
_SCORE_TYPES = {"category_excluded": "string"}


def read_scored_run(facts: TrackedFacts, name: str | None = None) -> ScoredRun:
    """Read a run's parameters, facts and scores from its artifacts.

    Args:
        facts: The run.
        name: Name for readers; the first digits of its id by default.

    Returns:
        The run; parts that it did not make are missing.

    Raises:
        BadInputError: Its store does not answer.
    """
    files = _Files(facts)
    manifest = files.table(_SHARED, "manifest.csv", {"sha256": "str"})
    decision = files.json(_CLASSIFICATION, "decision.json")
    return ScoredRun(
        name=name or facts.short,
        made_of={fact: facts.tags[fact] for fact in MADE_OF if fact in facts.tags},
        parameters=_parameters(files, facts),
        chip_hashes={} if manifest is None else hashes_of(manifest),
        predictions=files.table(_CLASSIFICATION, "scored_predictions.csv", _CHIP_TYPES),
        thresholds={str(model): float(value) for model, value in decision.get("thresholds", {}).items()},
        chosen=str(decision.get("chosen", "")),
        chosen_by=str(decision.get("chosen_by", "")),
        chip_measures=files.table(_SEGMENTATION, "segmentation_chip_scores.csv", _CHIP_TYPES),
        classification_scores=files.table(_CLASSIFICATION, "scores.csv", _SCORE_TYPES),
        segmentation_scores=files.table(_SEGMENTATION, "segmentation_scores.csv", _SCORE_TYPES),
    )


def _parameters(files: "_Files", facts: TrackedFacts) -> Mapping[str, str]:
    """Return all parameters from the run's record; those of its nodes, as logged, for a run without record."""
    record = files.json(_BOOKS, _RECORD)
    return flatten(record["parameters"]) if "parameters" in record else facts.params


class _Files:
    """Downloads the artifacts of a run."""

    def __init__(self, facts: TrackedFacts) -> None:
        self._facts = facts
        self._known = {
            path for folder in (_SHARED, _CLASSIFICATION, _SEGMENTATION, _BOOKS) for path in facts.artifacts(folder)
        }

    def table(self, folder: str, name: str, types: dict[str, str]) -> pd.DataFrame | None:
        paths = [str(PurePosixPath(folder, each)) for each in (name, _EARLIER_NAMES.get(name, name))]
        found = next((path for path in paths if path in self._known), None)
        return (
            None
            if found is None
            else pd.read_csv(self._facts.artifact(found), dtype=types, keep_default_na=False, na_values=[""])
        )

    def json(self, folder: str, name: str) -> dict[str, Any]:
        path = str(PurePosixPath(folder, name))
        return dict(json.loads(self._facts.artifact(path).read_text("utf-8"))) if path in self._known else {}
