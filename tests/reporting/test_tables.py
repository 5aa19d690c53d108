"""Tables of the report agree with their data, also where data are missing."""

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.reporting.tables import (
    Table,
    category_tables,
    fold_table,
    model_tables,
    rejection_tables,
)


def scores(models: dict[str, float], metric: str) -> pd.DataFrame:
    return pd.DataFrame(
        [("test", model, None, metric, value, np.nan, np.nan) for model, value in models.items()],
        columns=["split", "model", "category_excluded", "metric", "value", "low", "high"],
    ).astype({"category_excluded": "string"})


def texts(table: Table) -> dict[str, list[str]]:
    return {row.name: [cell.text for cell in row.cells] for row in table.rows}


@pytest.mark.parametrize(("metric", "best"), [("f1", [False, True]), ("log_loss", [True, False])])
def test_best_model_of_a_row(metric: str, best: list[bool]) -> None:
    (table,) = model_tables(scores({"trees": 0.4, "blend": 0.6}, metric), "blend")
    assert [cell.best for cell in table.rows[0].cells] == best
    assert table.highlighted == 1
    assert table.heads == ("", "Trees", "Blend")


def test_undefined_score_is_a_dash() -> None:
    (table,) = model_tables(scores({"blend": np.nan}, "roc_auc"), "blend")
    assert (table.rows[0].cells[0].text, table.rows[0].cells[0].beneath) == ("–", "")


def test_nothing_scored_has_no_table() -> None:
    assert model_tables(scores({}, "f1"), "blend") == []
    assert category_tables(None, "blend") == []


def test_unseen_category() -> None:
    table = pd.DataFrame(
        [("test", "blend", "town", 0, 0.5, 0.1, 0.9, 4), ("test", "trees", "river", 0, 1.0, 0.5, 1.0, 3)],
        columns=["split", "model", "category", "label", "value", "low", "high", "chips"],
    )
    (found,) = category_tables(table, "blend")
    share = "\N{NARROW NO-BREAK SPACE}%"
    assert texts(found) == {"town": [f"50{share}", "–"], "river": ["–", f"100{share}"]}


def test_leaking_places_are_counted() -> None:
    folds = split_chips()
    assert fold_table(folds).caption == "Folds: 1 place lies in two of them"
    assert fold_table(folds.assign(place=["a", "b"])).caption == "Folds: no place lies in two of them"


def split_chips() -> pd.DataFrame:
    """Two folds of one place, 111 km apart."""
    columns = {"label": [1, 0], "place": "a", "split": "train", "fold": [0, 1]}
    return pd.DataFrame(columns).assign(longitude=[0.0, 0.0], latitude=[0.0, 1.0])


def test_distance_between_folds() -> None:
    beside = pd.DataFrame(
        {"label": [1], "place": "c", "split": "test", "fold": pd.NA, "longitude": 0, "latitude": 0.05}
    )
    table = texts(fold_table(pd.concat([split_chips(), beside])))
    assert [table[name][-1] for name in ("Fold 0", "Fold 1", "Test")] == ["111", "111", "5.6"]
    nowhere = texts(fold_table(split_chips().assign(longitude=float("nan"))))
    assert nowhere["Fold 0"][-1] == "–"


def test_rejected_chips_by_reason() -> None:
    manifest = pd.DataFrame(
        {"filename": ["a", "b", "c"], "verdict": "rejected", "reason": ["all zero", "all zero", None]}
    )
    tables = rejection_tables(manifest)
    assert tables is not None
    assert texts(tables[0]) == {"all zero": ["2"], "no reason given": ["1"]}
    assert len(tables[1].rows) == 3
