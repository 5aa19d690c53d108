"""Comparison of runs on the chips that both have scored.

Both are scored on the same resamples of places (:func:`~mining_the_mines.scoring.bootstrap.paired_difference`), so that
what makes a place hard for both cancels out. Only chips count that are the same file, byte by byte, carry the same
truth, and lie in the same split for both: a chip that one of them was trained on would flatter it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from mining_the_mines.scoring.bootstrap import BootstrapSettings, Interval, paired_difference
from mining_the_mines.scoring.metrics import LOWER_IS_BETTER, METRICS, weighted_scores
from mining_the_mines.scoring.segmentation_measures import PIXEL_COUNTS
from mining_the_mines.scoring.segmentation_scores import SEGMENTATION_METRICS, SEGMENTER, segmentation_difference
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST, split_predictions

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
#: Columns of the truth of a segmented chip.
_TRUE_PIXELS, _KNOWN_PIXELS = "true_pixels", "known_pixels"


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
        """The difference of the figure that decides, and what it says."""
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
        made_of: One row a commit, data hash or the like that differs: ``name`` and a column a run.
        parameters: One row a parameter that differs: ``name`` and a column a run; missing where a run has none.
        parameters_of_some: The same, of parameters that only some of the runs tell; those that do agree on them.
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
    parameters = [run.parameters for run in runs]
    return RunComparison(
        runs=names,
        made_of=what_differs(names, [run.made_of for run in runs]),
        parameters=what_differs(names, parameters),
        parameters_of_some=what_some_tell(names, parameters),
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


def what_differs(names: Sequence[str], facts: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Select the facts in which runs differ; a run without a fact does not differ in it.

    Args:
        names: Of the runs.
        facts: Of each run, by name.

    Returns:
        ``name`` and a column a run, in order of name; ``None`` where a run has no such fact.
    """
    return _facts_table(names, [row for row in _rows(facts) if _differs(row)])


def what_some_tell(names: Sequence[str], facts: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Select the facts that only some runs have and in which those do not differ.

    A version of the project may know more parameters than another, and older runs have kept those alone that the nodes
    of that run took.

    Args:
        names: Of the runs.
        facts: Of each run, by name.

    Returns:
        As :func:`what_differs`.
    """
    return _facts_table(names, [row for row in _rows(facts) if None in row and not _differs(row)])


def _rows(facts: Sequence[Mapping[str, str]]) -> list[tuple[str | None, ...]]:
    return [(name, *(of_run.get(name) for of_run in facts)) for name in sorted(set().union(*facts))]


def _differs(row: tuple[str | None, ...]) -> bool:
    return len({_number_or_text(fact) for fact in row[1:] if fact is not None}) > 1


def _facts_table(names: Sequence[str], rows: list[tuple[str | None, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["name", *names], dtype=object)


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
    if run.predictions is not None or rival.predictions is not None:
        for split in _splits(run.predictions, rival.predictions):
            yield _classification_pair(run, rival, split, settings)
    if run.chip_measures is not None or rival.chip_measures is not None:
        for split in _splits(run.chip_measures, rival.chip_measures):
            yield _segmentation_pair(run, rival, split, settings)


def _splits(*tables: pd.DataFrame | None) -> list[str]:
    """Splits of either table, the test first."""
    there = {split for table in tables if table is not None for split, _ in split_predictions(table)}
    return [split for split in (TEST, OUT_OF_FOLD) if split in there]


def _classification_pair(run: ScoredRun, rival: ScoredRun, split: str, settings: BootstrapSettings) -> PairedScores:
    metric = rival.chosen_by or run.chosen_by
    pair = PairedScores(run.name, rival.name, "classification", split, run.chosen, rival.chosen, metric)
    if run.predictions is None or rival.predictions is None:
        return replace(pair, obstacle=_kept_nothing(run.name if run.predictions is None else rival.name))
    ours, theirs = (
        _of_split(table[table["model"] == model], split)
        for table, model in ((run.predictions, run.chosen), (rival.predictions, rival.chosen))
    )
    found = _find_common(run, rival, ours, theirs, ("label",))
    if found.obstacle:
        return replace(pair, left_out=found.left_out, obstacle=found.obstacle)
    chips = found.chips
    figures = paired_difference(
        weighted_scores(chips["label"], chips["probability"], run.thresholds[run.chosen]),
        weighted_scores(chips["label"], chips["probability_rival"], rival.thresholds[rival.chosen]),
        chips["place"],
        settings,
    )
    return _compared(pair, found, figures)


def _segmentation_pair(run: ScoredRun, rival: ScoredRun, split: str, settings: BootstrapSettings) -> PairedScores:
    pair = PairedScores(run.name, rival.name, "segmentation", split, SEGMENTER, SEGMENTER, "iou")
    if run.chip_measures is None or rival.chip_measures is None:
        return replace(pair, obstacle=_kept_nothing(run.name if run.chip_measures is None else rival.name))
    ours, theirs = (_of_split(_with_truth(table), split) for table in (run.chip_measures, rival.chip_measures))
    found = _find_common(run, rival, ours, theirs, (_TRUE_PIXELS, _KNOWN_PIXELS))
    if found.obstacle:
        return replace(pair, left_out=found.left_out, obstacle=found.obstacle)
    mine, other = (table[table["filename"].isin(found.chips["filename"])] for table in (ours, theirs))
    return _compared(pair, found, segmentation_difference(mine, other, settings))


def _compared(pair: PairedScores, found: "_Common", figures: Mapping[str, Interval]) -> PairedScores:
    rows = [(metric, *figure, verdict_of(metric, figure)) for metric, figure in figures.items()]
    return replace(
        pair,
        chips=len(found.chips),
        places=int(found.chips["place"].nunique()),
        left_out=found.left_out,
        differences=pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS)),
    )


def _kept_nothing(name: str) -> str:
    return f"{name} has kept no scores of single chips"


def _of_split(table: pd.DataFrame, split: str) -> pd.DataFrame:
    return dict(split_predictions(table)).get(split, table.iloc[:0])


def _with_truth(measures: pd.DataFrame) -> pd.DataFrame:
    true = measures["true_positive"] + measures["false_negative"]
    return measures.assign(**{_TRUE_PIXELS: true, _KNOWN_PIXELS: measures[list(PIXEL_COUNTS)].sum(axis=1)})


@dataclass(frozen=True, eq=False)
class _Common:
    """Chips that can be compared, the reasons why others can't, and the obstacle if none can."""

    chips: pd.DataFrame
    left_out: Mapping[str, int]
    obstacle: str = ""


def _find_common(
    run: ScoredRun, rival: ScoredRun, ours: pd.DataFrame, theirs: pd.DataFrame, truth: tuple[str, ...]
) -> _Common:
    """Find the chips of a split that have the same file and the same truth in both runs."""
    both = ours.merge(theirs, on="filename", suffixes=("", "_rival"), validate="one_to_one")
    if not (run.chip_hashes and rival.chip_hashes):
        unknown = "without the inventory of both runs nobody can tell whether their chips are the same"
        return _Common(both.iloc[:0], {}, unknown)
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
    common = both[alike & agreed]
    reasons = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
    obstacle = f"they have no chip of this split in common ({reasons})" if common.empty else ""
    return _Common(common, left_out, obstacle)
