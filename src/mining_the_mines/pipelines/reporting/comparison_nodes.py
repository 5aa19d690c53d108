"""Nodes of reporting on how a run compares with others."""

from collections.abc import Callable
from typing import Any, Final

import pandas as pd

from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.pipelines.reporting.nodes import ReportingSettings
from mining_the_mines.scoring.run_comparison import MADE_OF, RunComparison, ScoredRun, compare_with, hashes_of

_THIS: Final = "this run"


def compare_with_others(  # noqa: PLR0913, PLR0917 - all that a run has found out
    compared_runs: Callable[[str], ScoredRun],
    manifest: pd.DataFrame,
    run_facts: dict[str, str],
    parameters: dict[str, Any],
    reporting: ReportingSettings,
    predictions: pd.DataFrame | None = None,
    decision: dict[str, Any] | None = None,
    chip_classification_scores: pd.DataFrame | None = None,
    outlines: pd.DataFrame | None = None,
    outline_scores: pd.DataFrame | None = None,
) -> RunComparison:
    """Compare what this run has found with what others have, on the chips that both have scored.

    Args:
        compared_runs: Finds a run by what people call it.
        manifest: Tells which file each chip is.
        run_facts: Of this run.
        parameters: Of this run.
        reporting: Names the others.
        predictions: Of this run's classifiers, if it has any.
        decision: Its chosen classifier and thresholds.
        chip_classification_scores: Scores of its classifiers.
        outlines: Measures of each chip that it has outlined, if any.
        outline_scores: Scores of its outlines.

    Returns:
        What differs, and whether it is real.
    """
    others = [compared_runs(name) for name in reporting.compare or ()]
    decision = decision or {}
    facts = {name: run_facts.get(name.replace("_", " ").capitalize(), "") for name in MADE_OF}
    this = ScoredRun(
        name=_THIS,
        made_of={name: value for name, value in facts.items() if value},
        parameters=flatten(result_parameters(parameters)),
        chip_hashes=hashes_of(manifest),
        predictions=predictions,
        thresholds=decision.get("thresholds", {}),
        chosen=decision.get("chosen", ""),
        chosen_by=decision.get("chosen_by", ""),
        outlines=outlines,
        chip_classification_scores=chip_classification_scores,
        outline_scores=outline_scores,
    )
    return compare_with(this, others, reporting.bootstrap)
