"""Agreement of reviewers beyond chance."""

from itertools import combinations
from typing import Final

import pandas as pd
from sklearn.metrics import cohen_kappa_score

from mining_the_mines.assessment.answers import ANSWERS

#: Columns of the table of agreement.
AGREEMENT_COLUMNS: Final = {
    "measure": "str", "reviewers": "str", "places": "int64", "agreement": "float64", "kappa": "float64"
}  # fmt: skip


def measure_agreement(answers: pd.DataFrame) -> pd.DataFrame:
    """Measure how far reviewers agree, with "cannot tell" as an answer of its own.

    Args:
        answers: One row per reviewer and place: ``place_id``, ``reviewer``, ``answer``.

    Returns:
        One row per pair of reviewers with Cohen's kappa (1960), and one for all of them with Fleiss' (1971, doi
        10.1037/h0031619) over the places that two or more have judged. ``kappa`` is missing where all give one answer.
    """
    table = answers.set_index(["place_id", "reviewer"])["answer"].unstack()  # noqa: PD010 - nothing to aggregate
    rows = [_cohen(table[[one, other]].dropna()) for one, other in combinations(table.columns, 2)]
    rows += [_fleiss(answers)] if rows else []
    return pd.DataFrame([row for row in rows if row["places"]], columns=list(AGREEMENT_COLUMNS)).astype(
        AGREEMENT_COLUMNS
    )


def _cohen(pair: pd.DataFrame) -> dict[str, object]:
    one, other = (pair[name] for name in pair.columns)
    alike = len(set(one) | set(other)) <= 1
    return {
        "measure": "cohen_kappa",
        "reviewers": " and ".join(pair.columns),
        "places": len(pair),
        "agreement": (one == other).mean(),
        "kappa": float("nan") if alike else cohen_kappa_score(one, other, labels=list(ANSWERS)),
    }


def _fleiss(answers: pd.DataFrame) -> dict[str, object]:
    """Fleiss' kappa, whose agreement of a place is that of the pairs of its reviewers, however many they are."""
    counts = pd.crosstab(answers["place_id"], answers["answer"]).reindex(columns=list(ANSWERS), fill_value=0)
    several = counts[counts.sum(axis=1) >= 2]
    judged = several.sum(axis=1)
    agreement = ((several * (several - 1)).sum(axis=1) / (judged * (judged - 1))).mean()
    chance = float(((several.sum() / judged.sum()) ** 2).sum()) if len(several) else float("nan")
    return {
        "measure": "fleiss_kappa",
        "reviewers": ", ".join(sorted(answers["reviewer"].unique())),
        "places": len(several),
        "agreement": agreement,
        "kappa": (agreement - chance) / (1 - chance) if chance < 1 else float("nan"),
    }
