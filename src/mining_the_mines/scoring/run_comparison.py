"""Comparison of runs on the chips that both have scored.

Both are scored on the same resamples of places (:func:`~mining_the_mines.scoring.bootstrap.paired_difference`), so that
the difficulty of a place cancels out. Only chips count that are the same file, byte by byte, carry the same
truth, and lie in the same split for both: a chip that one of them was trained on would flatter it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from mining_the_mines.scoring.bootstrap import BootstrapSettings, Interval, Scorer, paired_difference
from mining_the_mines.scoring.metrics import LOWER_IS_BETTER, METRICS, weighted_scores
from mining_the_mines.scoring.segmentation import PIXEL_COUNTS, SEGMENTATION_METRICS, WeightedSegmentationScores
from mining_the_mines.scoring.tables import OUT_OF_FOLD, SEGMENTER, TEST, split_predictions

Task = Literal["classification", "segmentation"]
#: ``better`` and ``worse`` where the interval leaves out 0; ``higher`` and ``lower`` for figures that are neither;
#: ``same`` if they agree to the last digit; ``unclear`` if chance could have made the difference; ``undefined`` where
#: there is no figure.
Verdict = Literal["better", "worse", "higher", "lower", "same", "unclear", "undefined"]

#: A bias is best at 0, so that neither end is better.
_NEITHER: Final = frozenset({"area_bias_hectares", "area_bias_share"})
_SMALLER_IS_BETTER: Final = LOWER_IS_BETTER | {"area_error_hectares"}
#: Tags of a run beside its parameters.
MADE_OF: Final = ("git_commit", "git_dirty", "lock_hash", "data_hash")
#: Figures are shorter; a longer text that reads like one is a hash.
_LONGEST_NUMBER: Final = 30
SCORE_COLUMNS: Final = ("run", "task", "split", "model", "metric", "value", "low", "high", "chips", "places")
DIFFERENCE_COLUMNS: Final = ("metric", "value", "low", "high", "verdict")
TASKS: Final[tuple[Task, ...]] = ("classification", "segmentation")
#: Columns of the truth of a chip.
_TRUTH: Final = MappingProxyType({"classification": ("label",), "segmentation": ("true_pixels", "known_pixels")})


@dataclass(frozen=True, eq=False)
class ScoredRun:
    """The facts, the predictions and the scores of a run.

    Attributes:
        name: Name in tables and sentences; unique among the compared runs.
        made_of: Commit, data hash and the like (:data:`MADE_OF`), as far as known.
        parameters: Flattened parameters, by dotted name.
        chip_hashes: SHA-256 of each chip's file by filename; empty if the run has kept none.
        predictions: As for :func:`~mining_the_mines.scoring.tables.score_table`, if it has classified chips.
        thresholds: Threshold by model.
        chosen: The model that the run has chosen.
        chosen_by: The metric that it was chosen by.
        chip_measures: Measures of each chip, as for :func:`segmentation_score_table`, if it has segmented chips.
        classification_scores: Scores of classifiers.
        segmentation_scores: Scores of the segmenter.
    """

    name: str
    made_of: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    chip_hashes: Mapping[str, str] = field(default_factory=dict)
    predictions: pd.DataFrame | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    chosen: str = ""
    chosen_by: str = "roc_auc"
    chip_measures: pd.DataFrame | None = None
    classification_scores: pd.DataFrame | None = None
    segmentation_scores: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class PairedScores:
    """Differences of a run and a rival, on the chips of a split that both have scored.

    Attributes:
        run: The candidate.
        rival: The run that it is compared with.
        task: Of the models.
        split: ``test`` or ``out-of-fold``.
        model: The candidate's model.
        rival_model: The rival's.
        metric: The figure that decides.
        chips: Chips that were compared.
        places: Places that they lie in.
        left_out: Why further chips of the split were left out, with their number.
        differences: Candidate minus rival: ``metric``, ``value``, ``low``, ``high``, ``verdict``; no rows if the two
            can't be compared.
        obstacle: Why they can't be compared; empty if they can.
    """

    run: str
    rival: str
    task: Task
    split: str
    model: str
    rival_model: str
    metric: str
    chips: int = 0
    places: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    differences: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DIFFERENCE_COLUMNS)))
    obstacle: str = ""

    @property
    def deciding(self) -> tuple[Interval, Verdict]:
        """The difference of the figure that decides, and its verdict."""
        rows = self.differences[self.differences["metric"] == self.metric]
        if rows.empty:
            return Interval(np.nan, np.nan, np.nan), "undefined"
        row = rows.iloc[0]
        return Interval(float(row["value"]), float(row["low"]), float(row["high"])), row["verdict"]

    @property
    def same(self) -> bool:
        """Whether all figures agree to the last digit."""
        told = self.differences[self.differences["verdict"] != "undefined"]
        return bool(len(told)) and bool((told["verdict"] == "same").all())


@dataclass(frozen=True, eq=False)
class RunComparison:
    """The differences between runs.

    Attributes:
        runs: Their names.
        made_of: One row per commit, data hash or the like that differs: ``name`` and a column per run.
        parameters: One row per parameter that differs: ``name`` and a column per run; missing where a run has none.
        parameters_of_some: The same, for parameters that only some runs have, which agree on them.
        scores: Of each run on its own chips, the chosen model's: :data:`SCORE_COLUMNS`.
        pairs: On the chips that two runs have in common.
        level: Share of intervals that should cover the truth.
    """

    runs: tuple[str, ...]
    made_of: pd.DataFrame
    parameters: pd.DataFrame
    parameters_of_some: pd.DataFrame
    scores: pd.DataFrame
    pairs: tuple[PairedScores, ...]
    level: float = 0.95


def compare_runs(runs: Sequence[ScoredRun], settings: BootstrapSettings) -> RunComparison:
    """Compare runs with the first of them.

    Args:
        runs: At least two, each under a name of its own.
        settings: How intervals are drawn.

    Returns:
        What differs, and whether it is real.

    Raises:
        ValueError: If there are fewer than two, or two of the same name.
    """
    names = tuple(run.name for run in runs)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"Two runs or more are compared, each under a name of its own; given: {', '.join(names)}.")
    made_of, _ = _compare_facts(names, [run.made_of for run in runs])
    parameters, parameters_of_some = _compare_facts(names, [run.parameters for run in runs])
    return RunComparison(
        runs=names,
        made_of=made_of,
        parameters=parameters,
        parameters_of_some=parameters_of_some,
        scores=pd.DataFrame([row for run in runs for row in _score_rows(run)], columns=list(SCORE_COLUMNS)),
        pairs=tuple(pair for run in runs[1:] for pair in _pairs(run, runs[0], settings)),
        level=settings.level,
    )


def hashes_of(manifest: pd.DataFrame) -> dict[str, str]:
    """SHA-256 of each chip's file by filename.

    Args:
        manifest: Inventory of chips with ``filename`` and ``sha256``.
    """
    known = manifest.dropna(subset=["sha256"])
    return dict(zip(known["filename"].astype(str), known["sha256"].astype(str), strict=True))


def _compare_facts(names: Sequence[str], facts: Sequence[Mapping[str, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Select the facts in which runs differ, and those that only some runs have and in which these agree.

    A version of the project may know more parameters than another, and older runs have kept those alone that the nodes
    of that run took.

    Args:
        names: Of the runs.
        facts: Of each run, by name; a run without a fact does not differ in it.

    Returns:
        Two tables of ``name`` and a column per run, in order of name; ``None`` where a run has no such fact.
    """
    differing, of_some = [], []
    for name in sorted(set().union(*facts)):
        row = [of_run.get(name) for of_run in facts]
        if len({_number_or_text(fact) for fact in row if fact is not None}) > 1:
            differing.append((name, *row))
        elif None in row:
            of_some.append((name, *row))
    columns = ["name", *names]
    return pd.DataFrame(differing, columns=columns, dtype=object), pd.DataFrame(of_some, columns=columns, dtype=object)


def _number_or_text(fact: str) -> float | str:
    """Parse numbers, so that 10 and 10.0 are the same fact."""
    try:
        return float(fact) if len(fact) < _LONGEST_NUMBER else fact
    except ValueError:
        return fact


def verdict_of(metric: str, difference: Interval) -> Verdict:
    """Judge a difference by its interval.

    Args:
        metric: The figure.
        difference: Candidate minus rival.

    Returns:
        See :data:`Verdict`.
    """
    value, low, high = difference
    if np.isnan(value):
        return "undefined"
    if value == low == high == 0:
        return "same"
    if np.isnan(low) or low <= 0 <= high:
        return "unclear"
    if metric in _NEITHER:
        return "higher" if value > 0 else "lower"
    return "better" if (value > 0) != (metric in _SMALLER_IS_BETTER) else "worse"


def _score_rows(run: ScoredRun) -> Iterator[tuple[Any, ...]]:
    tables: tuple[tuple[Task, pd.DataFrame | None, str, tuple[str, ...]], ...] = (
        ("classification", run.classification_scores, run.chosen, METRICS),
        ("segmentation", run.segmentation_scores, "", SEGMENTATION_METRICS),
    )
    for task, table, model, metrics in tables:
        if table is None:
            continue
        # A table of segmentation scores holds one model, whatever its name.
        named = table["model"] == model if model else pd.Series(data=True, index=table.index)
        rows = table[named & table["category_excluded"].isna() & table["metric"].isin(metrics)]
        for row in rows.to_dict("records"):
            yield (run.name, task, *(row[name] for name in SCORE_COLUMNS[2:]))


def _pairs(run: ScoredRun, rival: ScoredRun, settings: BootstrapSettings) -> Iterator[PairedScores]:
    """Compare two runs in each task and split that either has scored, the test first."""
    for task in TASKS:
        tables = [_chips(of, task) for of in (run, rival)]
        there = {split for table in tables if table is not None for split, _ in split_predictions(table)}
        for split in (TEST, OUT_OF_FOLD):
            if split in there:
                yield _pair(run, rival, task, split, settings)


def _pair(run: ScoredRun, rival: ScoredRun, task: Task, split: str, settings: BootstrapSettings) -> PairedScores:
    pair = PairedScores(run.name, rival.name, task, split, SEGMENTER, SEGMENTER, "iou")
    if task == "classification":
        metric = rival.chosen_by or run.chosen_by
        pair = replace(pair, model=run.chosen, rival_model=rival.chosen, metric=metric)
    ours, theirs = _chips(run, task), _chips(rival, task)
    if ours is None or theirs is None:
        silent = run.name if ours is None else rival.name
        return replace(pair, obstacle=f"{silent} has kept no scores of single chips")
    if not (run.chip_hashes and rival.chip_hashes):
        unknown = "without the inventory of both runs nobody can tell whether their chips are the same"
        return replace(pair, obstacle=unknown)
    ours, theirs = (dict(split_predictions(table)).get(split, table.iloc[:0]) for table in (ours, theirs))
    common, left_out = _find_common(run, rival, ours, theirs, _TRUTH[task])
    if common.empty:
        reasons = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
        return replace(pair, left_out=left_out, obstacle=f"they have no chip of this split in common ({reasons})")
    mine = ours.set_index("filename").loc[common]
    scorers = _scorer(run, task, mine), _scorer(rival, task, theirs.set_index("filename").loc[common])
    figures = paired_difference(*scorers, mine["place"], settings)
    rows = [(metric, *figure, verdict_of(metric, figure)) for metric, figure in figures.items()]
    return replace(
        pair,
        chips=len(mine),
        places=int(mine["place"].nunique()),
        left_out=left_out,
        differences=pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS)),
    )


def _chips(run: ScoredRun, task: Task) -> pd.DataFrame | None:
    """Predictions of the chosen classifier, or measures of the segmenter with the truth of each chip."""
    if task == "classification":
        return None if run.predictions is None else run.predictions[run.predictions["model"] == run.chosen]
    measures = run.chip_measures
    if measures is None:
        return None
    true = measures["true_positive"] + measures["false_negative"]
    return measures.assign(true_pixels=true, known_pixels=measures[list(PIXEL_COUNTS)].sum(axis=1))


def _scorer(run: ScoredRun, task: Task, chips: pd.DataFrame) -> Scorer:
    if task == "segmentation":
        return WeightedSegmentationScores(chips)
    return weighted_scores(chips["label"], chips["probability"], run.thresholds[run.chosen])


def _find_common(
    run: ScoredRun, rival: ScoredRun, ours: pd.DataFrame, theirs: pd.DataFrame, truth: tuple[str, ...]
) -> tuple["pd.Index[str]", dict[str, int]]:
    """Find the chips of a split with the same file and truth in both runs; why others are left out, with numbers."""
    both = ours.merge(theirs, on="filename", suffixes=("", "_rival"), validate="one_to_one")
    alike = both["filename"].map(run.chip_hashes) == both["filename"].map(rival.chip_hashes)
    agreed = pd.Series(data=True, index=both.index)
    for name in truth:
        agreed &= both[name].astype("int64") == both[f"{name}_rival"].astype("int64")
    counted = {
        "in this split of one run only": len(ours) + len(theirs) - 2 * len(both),
        "of the same name but not the same picture": int((~alike).sum()),
        "with another truth": int((alike & ~agreed).sum()),
    }
    left_out = {reason: number for reason, number in counted.items() if number}
    return pd.Index(both["filename"][alike & agreed]), left_out
