"""Scores of new sites, on hand-made cases."""

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.change_matching import ChangeComparison, ChangeMatchSettings, compare_changes
from mining_the_mines.scoring.site_scores import SITE_SCORE_COLUMNS, score_changes, select_site_scores
from support.changes import LOOKS, claim, frame, mine

BOOTSTRAP = BootstrapSettings(resamples=100)


@pytest.fixture(scope="module")
def comparison() -> ChangeComparison:
    """Four mines open; sites find three of them and claim one false site, the rival finds one and claims three."""
    mines = [state for number in range(4) for state in mine(number, "2020-01-10")]
    ours = [claim(number, 2020, confirmed_on="2021-08-31") for number in range(3)] + [claim(4, 2021)]
    rival = [claim(0, 2020), claim(3, 2021, 900), claim(4, 2021), claim(5, 2021)]
    claims = {"sites": frame(ours), "map_difference": frame(rival)}
    return compare_changes(frame(mines), LOOKS, claims, frame([]), ChangeMatchSettings())


@pytest.fixture(scope="module")
def table(comparison: ChangeComparison) -> pd.DataFrame:
    return score_changes(comparison, BOOTSTRAP)


def value(table: pd.DataFrame, metric: str, method: str = "sites", rival: str = "", period: str = "") -> pd.Series:
    rows = select_site_scores(table, rival, "", period)
    (row,) = (row for _, row in rows[rows["method"] == method].iterrows() if row["metric"] == metric)
    return row


def test_columns(table: pd.DataFrame) -> None:
    assert list(table.columns) == list(SITE_SCORE_COLUMNS)
    assert table["value"].notna().all()


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("new_precision", 3 / 4),
        ("new_recall", 3 / 4),
        ("new_f1", 3 / 4),
        ("false_per_1000_km2", 1000 / 72),
        ("confirmed_precision", 1.0),
        ("confirmed_recall", 3 / 4),
        ("days_to_detection", 234),
        ("days_to_confirmation", 599),
    ],
)
def test_figures(table: pd.DataFrame, metric: str, expected: float) -> None:
    assert value(table, metric)["value"] == pytest.approx(expected)


def test_growth_is_false_in_strict_figures() -> None:
    mines = [*mine(0, "2020-01-10"), *mine(1, "2015-01-10", ("2020-02-01", 600))]
    claims = {"sites": frame([claim(0, 2020), claim(1, 2020, 600)])}
    table = score_changes(compare_changes(frame(mines), LOOKS, claims, frame([]), ChangeMatchSettings()), BOOTSTRAP)
    assert value(table, "new_precision")["value"] == 1
    assert value(table, "strict_precision")["value"] == 0.5


def test_no_false_site_is_no_certainty(table: pd.DataFrame) -> None:
    rate = value(table, "confirmed_false_per_1000_km2")
    assert (rate["value"], rate["low"]) == (0, 0)
    assert rate["high"] == pytest.approx(1000 * -np.log(0.025) / 72)


def test_intervals_hold_their_values(table: pd.DataFrame) -> None:
    known = table.dropna(subset="low")
    assert len(known) > 10
    assert ((known["low"] <= known["value"] + 1e-9) & (known["value"] <= known["high"] + 1e-9)).all()


def test_differences(table: pd.DataFrame) -> None:
    f1 = value(table, "new_f1", rival="map_difference")
    expected = value(table, "new_f1")["value"] - value(table, "new_f1", "map_difference")["value"]
    assert f1["value"] == pytest.approx(expected)
    assert f1["low"] <= f1["value"] <= f1["high"]


def test_by_period(table: pd.DataFrame) -> None:
    assert value(table, "new_f1", period="2020")["value"] == pytest.approx(6 / 7)
    assert value(table, "false_per_1000_km2", period="2021")["value"] == pytest.approx(1000 / 36)


def test_rival_without_confirmation_has_no_such_figure(table: pd.DataFrame) -> None:
    rival = table[(table["method"] == "map_difference") & (table["rival"] == "")]
    assert not rival["metric"].str.startswith("confirmed").any()


def test_nothing_to_score() -> None:
    empty = compare_changes(frame([]), LOOKS, {"sites": frame([])}, frame([]), ChangeMatchSettings())
    assert score_changes(empty, BOOTSTRAP).empty
