"""Tables on outlines say what the data say, also where data are missing."""

import pandas as pd

from mining_the_mines.reporting import SegmentationData
from mining_the_mines.reporting.segmentation_tables import (
    feature_rows,
    left_out_rows,
    mask_rows,
    segmentation_score_rows,
)
from mining_the_mines.reporting.tables import Table
from support.report_segmentation import make_inventory


def texts(table: Table) -> dict[str, list[str]]:
    """Cells by name of their row, with ordinary spaces and minus signs."""
    cells = {row.name: [cell.text for cell in row.cells] for row in table.rows}
    return {
        name: [text.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-") for text in row]
        for name, row in cells.items()
    }


def masks(**columns: object) -> pd.DataFrame:
    defaults = {"filename": ["a.tif", "b.tif"], "reason": None, "slivers": 0, "mine_pixels": [50, 0]}
    return pd.DataFrame({**defaults, "known_pixels": 1000, "mine_hectares": [0.5, 0.0], **columns})


def test_the_splits_stand_side_by_side_with_the_test_first(outlines: SegmentationData) -> None:
    table = segmentation_score_rows(outlines.score_table, 2)
    assert table.heads == ("", "On the test chips", "Out of fold")
    scores = outlines.score_table.set_index(["metric", "split"])["value"]
    assert texts(table)["IoU"] == [f"{scores['iou', split]:.3f}" for split in ("test", "out-of-fold")]


def test_areas_are_hectares_and_differences_have_a_sign(outlines: SegmentationData) -> None:
    cells = texts(segmentation_score_rows(outlines.score_table, 2))
    assert all(text.endswith(" ha") for name in ("Area bias", "True area") for text in cells[name])
    assert all(text[0] in "+-" for name in ("Area bias", "Relative area bias") for text in cells[name])
    assert not any(text[0] in "+-" for text in cells["Area error per image"])


def test_without_a_test_split_there_is_one_column(outlines: SegmentationData) -> None:
    table = segmentation_score_rows(outlines.score_table.query("split == 'out-of-fold'"), 2)
    assert table.heads == ("", "Out of fold")


def test_repaired_and_dropped_outlines_are_counted_by_reason() -> None:
    table = feature_rows(make_inventory())
    assert table is not None
    found = [(row.name, row.note, row.cells[0].text) for row in table.rows]
    assert found == [
        ("Accepted", "", "71"),
        ("Repaired", "self-intersection", "28"),
        ("Dropped", "line, not a polygon", "4"),
        ("Dropped", "empty geometry", "1"),
    ]
    assert table.rows[2].cells[2].text == "–"


def test_without_any_outline_there_is_no_table_of_them() -> None:
    assert feature_rows(make_inventory()[:0]) is None


def test_masks_are_counted_with_and_without_a_mine() -> None:
    cells = texts(mask_rows(masks()))
    assert (cells["With a mine"], cells["Without"], cells["Left out"]) == (["1"], ["1"], ["0"])
    assert (cells["Mined area"], cells["Mined share"]) == (["0.5 ha"], ["2.5 %"])


def test_chips_without_a_mask_are_listed_with_their_reason_and_counted_apart() -> None:
    table = masks(reason=[None, "it has no coordinate system"])
    left_out = left_out_rows(table)
    assert left_out is not None
    assert texts(left_out) == {"b.tif": ["it has no coordinate system"]}
    assert texts(mask_rows(table))["Left out"] == ["1"]
    assert left_out_rows(masks()) is None


def test_a_tiny_share_is_not_rounded_to_nothing_and_no_pixels_have_no_share() -> None:
    assert texts(mask_rows(masks(mine_pixels=[1, 0], known_pixels=10**6)))["Mined share"] == ["under 0.01 %"]
    assert texts(mask_rows(masks(mine_pixels=0, known_pixels=0)))["Mined share"] == ["–"]
