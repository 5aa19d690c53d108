"""Where a model does well and where it does not: its figure in each part of the chips."""

from collections.abc import Callable

import pandas as pd

from mining_the_mines.scoring.bootstrap import BootstrapSettings, Scorer, bootstrap_intervals
from mining_the_mines.scoring.tables import split_predictions

BREAKDOWN_COLUMNS = ("split", "part", "value", "low", "high", "chips", "places")


def region_of(place: str) -> str:
    """The region of a place, which a chip's place begins with; a place without one is a region of its own."""
    return place.rsplit("/", 1)[0]


def break_down(
    chips: pd.DataFrame,
    parts: "pd.Series[str]",
    scorer: Callable[[pd.DataFrame], Scorer],
    metric: str,
    settings: BootstrapSettings,
) -> pd.DataFrame:
    """Score the parts of some chips one by one.

    Args:
        chips: One row a chip, with ``place``, ``fold`` (missing for test chips) and what the scorer needs.
        parts: The part that each of them belongs to, on the same index; missing for chips that are left out.
        scorer: Makes a scorer of some of the rows.
        metric: The figure.
        settings: How intervals are drawn, by place.

    Returns:
        ``split``, ``part``, ``value``, ``low``, ``high``, ``chips``, ``places``; a figure that a part does not define
        (AUC where there is no mine) is NaN.
    """
    rows = []
    for split, members in split_predictions(chips):
        for part, some in members.groupby(parts[members.index], sort=True):
            figure = bootstrap_intervals(scorer(some), some["place"], settings)[metric]
            rows.append((split, str(part), *figure, len(some), some["place"].nunique()))
    return pd.DataFrame(rows, columns=list(BREAKDOWN_COLUMNS))
