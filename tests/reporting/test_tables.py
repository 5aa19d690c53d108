"""Tables of the report say what the data say, also where data are missing."""

import numpy as np
import pandas as pd

from mining_the_mines.reporting.tables import category_rows, fold_rows, manifest_rows, rejection_rows, score_rows


def scores(models: dict[str, float], metric: str) -> pd.DataFrame:
    return pd.DataFrame(
        [("test", model, None, metric, value, np.nan, np.nan) for model, value in models.items()],
        columns=["split", "model", "category_excluded", "metric", "value", "low", "high"],
    ).astype({"category_excluded": "string"})


def test_the_best_of_a_row_is_set_off_whichever_way_better_lies() -> None:
    for metric, best in (("f1", [False, True]), ("log_loss", [True, False])):
        table = score_rows(scores({"baseline": 0.4, "blend": 0.6}, metric), "test", "Test", "blend")
        assert table is not None
        assert [cell.best for cell in table.rows[0].cells] == best
        assert table.highlighted == 1


def test_one_model_alone_is_not_called_the_best() -> None:
    table = score_rows(scores({"blend": 0.6}, "f1"), "test", "Test", "blend")
    assert table is not None
    assert not table.rows[0].cells[0].best


def test_an_undefined_score_is_a_dash_without_interval() -> None:
    table = score_rows(scores({"blend": np.nan}, "roc_auc"), "test", "Test", "blend")
    assert table is not None
    assert (table.rows[0].cells[0].text, table.rows[0].cells[0].beneath) == ("–", "")


def test_a_score_of_another_task_gets_a_row_of_its_own() -> None:
    table = score_rows(scores({"cnn": 0.7}, "boundary_f1"), "test", "Test", "cnn")
    assert table is not None
    assert table.rows[0].name == "Boundary F1"


def test_a_split_without_scores_has_no_table() -> None:
    assert score_rows(scores({"blend": 1.0}, "f1"), "out-of-fold", "Out of fold", "blend") is None
    empty = pd.DataFrame(columns=["split", "model", "category", "label", "value", "low", "high", "chips"])
    assert category_rows(empty, "test", "Test", "blend") is None


def test_a_category_that_a_model_has_not_seen_is_a_dash() -> None:
    table = pd.DataFrame(
        [("test", "blend", "town", 0, 0.5, 0.1, 0.9, 4), ("test", "baseline", "river", 0, 1.0, 0.5, 1.0, 3)],
        columns=["split", "model", "category", "label", "value", "low", "high", "chips"],
    )
    rows = category_rows(table, "test", "Test", "blend")
    assert rows is not None
    assert [cell.text for cell in rows.rows[0].cells] == ["50\N{NARROW NO-BREAK SPACE}%", "–"]


def test_folds_and_test_are_counted_apart() -> None:
    folds = pd.DataFrame(
        {
            "label": [1, 0, 0],
            "place": ["a", "a", "b"],
            "split": ["train", "train", "test"],
            "fold": pd.array([0, 0, None], dtype="Int64"),
        }
    )
    counted = {row.name: [cell.text for cell in row.cells] for row in fold_rows(folds).rows}
    assert counted["Fold 0"][:2] == ["2", "1"]
    assert counted["Test"][3] == "1"


def test_a_place_that_leaks_from_one_fold_to_another_is_not_hidden() -> None:
    folds = pd.DataFrame({"label": [1, 0], "place": "a", "split": "train", "fold": [0, 1]})
    assert fold_rows(folds).caption == "Folds: 1 place lies in two of them"
    assert fold_rows(folds.assign(place=["a", "b"])).caption == "Folds: no place lies in two of them"


def test_rejected_chips_are_counted_by_reason_and_one_without_reason_is_not_lost() -> None:
    manifest = pd.DataFrame(
        {"filename": ["a", "b", "c"], "verdict": "rejected", "reason": ["all zero", "all zero", None]}
    )
    tables = rejection_rows(manifest)
    assert tables is not None
    assert [(row.name, row.cells[0].text) for row in tables[0].rows] == [("all zero", "2"), ("no reason given", "1")]
    assert len(tables[1].rows) == 3


def test_chips_of_many_sizes_are_summed_up() -> None:
    sizes = [float(size) for size in range(10, 16)]
    manifest = pd.DataFrame({"filename": list("abcdef"), "verdict": "accepted", "width": sizes, "height": sizes})
    text = {row.name: row.cells[0].text for row in manifest_rows(manifest).rows}
    assert text["Size in pixels"].startswith("10 × 10 (1), ")
    assert text["Size in pixels"].endswith("and 2 others")
