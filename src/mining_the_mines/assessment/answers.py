"""Answers of reviewers, put together to one answer a place."""

import logging
from dataclasses import dataclass
from typing import Final

import pandas as pd

from mining_the_mines.assessment.sample_table import MINE, NO_MINE
from mining_the_mines.assessment.settings import AreaSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.review.answer_table import Answer

logger = logging.getLogger(__name__)

CANNOT_TELL: Final = Answer.CANNOT_TELL.value
ANSWERS: Final = tuple(answer.value for answer in Answer)
#: Columns of the table of disagreements.
DISAGREEMENT_COLUMNS: Final = (
    "place_id",
    "region",
    "period",
    "longitude",
    "latitude",
    "map_class",
    "answers",
    "combined",
)


@dataclass(frozen=True)
class JudgedPlaces:
    """Answers of the places of a sample.

    Attributes:
        places: Rows of the sample that were judged, with ``answer``, the combined one.
        answers: Answers that counted, one row per reviewer and place: ``place_id``, ``reviewer``, ``answer``,
            ``answered_at``.
        disagreements: Places that reviewers do not judge alike; columns of :data:`DISAGREEMENT_COLUMNS`.
    """

    places: pd.DataFrame
    answers: pd.DataFrame
    disagreements: pd.DataFrame


def judge_places(answers: pd.DataFrame, sample: pd.DataFrame, settings: AreaSettings) -> JudgedPlaces:
    """Put the answers of a sample together.

    Args:
        answers: One row per answer: ``place_id``, ``reviewer``, ``answer``, ``answered_at``.
        sample: Places; columns of :data:`~mining_the_mines.assessment.sample_table.SAMPLE_COLUMNS`.
        settings: Rule for several reviewers.

    Returns:
        The judged places. Answers for places that are not in the sample are left out with a warning; of two answers of
        one reviewer at one place the later counts, with a warning.

    Raises:
        BadInputError: An answer is of no known class, or two answers of one reviewer contradict each other at one time.
    """
    _check_classes(answers)
    known = answers[answers["place_id"].isin(sample["place_id"])]
    others = answers.loc[~answers["place_id"].isin(sample["place_id"]), "place_id"].unique()
    if len(others):
        logger.warning(
            "%d answered places are not in this sample, such as %s, and do not count: estimate with the sample that "
            "they were drawn in (--load-versions=sample:VERSION) if it is an earlier one.", len(others), others[0],
        )  # fmt: skip
    standing = _latest(known)
    combined = pd.Series(
        {place: _combine(list(given), settings) for place, given in standing.groupby("place_id")["answer"]}, dtype="str"
    )
    places = sample[sample["place_id"].isin(combined.index)]
    judged = places.assign(answer=places["place_id"].map(combined)).reset_index(drop=True)
    return JudgedPlaces(judged, standing.reset_index(drop=True), _disagreements(standing, judged))


def _check_classes(answers: pd.DataFrame) -> None:
    strange = answers[~answers["answer"].isin(ANSWERS)]
    if len(strange):
        row = strange.iloc[0]
        raise BadInputError(
            f"{row['reviewer']} answers {row['answer']!r} at {row['place_id']}, which is no class: the answers are "
            f"{', '.join(ANSWERS)}; correct it and estimate again."
        )


def _latest(answers: pd.DataFrame) -> pd.DataFrame:
    """One answer of each reviewer at each place."""
    ordered = answers.sort_values(["place_id", "reviewer", "answered_at"], kind="stable")
    twice = ordered[ordered.duplicated(["place_id", "reviewer"], keep=False)]
    at_once = twice[twice.duplicated(["place_id", "reviewer", "answered_at"], keep=False)]
    contradicting = at_once.groupby(["place_id", "reviewer", "answered_at"], dropna=False)["answer"].nunique()
    if (contradicting > 1).any():
        place, reviewer = contradicting[contradicting > 1].index[0][:2]
        raise BadInputError(
            f"{reviewer} gives two answers at {place} without a time that tells the later one: remove the one that is "
            "wrong."
        )
    if len(twice):
        number = len(twice[["place_id", "reviewer"]].drop_duplicates())
        logger.warning("%d answers were given anew by the same reviewer: the later one counts.", number)
    return ordered.drop_duplicates(["place_id", "reviewer"], keep="last")[
        ["place_id", "reviewer", "answer", "answered_at"]
    ]


def _combine(given: list[str], settings: AreaSettings) -> str:
    mine, no_mine = given.count(MINE), given.count(NO_MINE)
    match settings.several_reviewers:
        case "any_mine":
            mine, no_mine = min(mine, 1), 0 if mine else no_mine
        case "unanimous" if mine and no_mine:
            return CANNOT_TELL
    return MINE if mine > no_mine else NO_MINE if no_mine > mine else CANNOT_TELL


def _disagreements(answers: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    given = answers.groupby("place_id")
    torn = given["answer"].nunique()
    rows = judged[judged["place_id"].isin(torn[torn > 1].index)].rename(columns={"answer": "combined"})
    words = {place: "; ".join(f"{one.reviewer}: {one.answer}" for one in part.itertuples()) for place, part in given}
    return rows.assign(answers=rows["place_id"].map(words))[list(DISAGREEMENT_COLUMNS)].reset_index(drop=True)
