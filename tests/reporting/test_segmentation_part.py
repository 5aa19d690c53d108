"""Summary, tables and gallery of the segmenter agree with its measures."""

import dataclasses
from typing import Any

import pandas as pd
import pytest

from mining_the_mines.reporting.galleries import segmentation_gallery
from mining_the_mines.reporting.segmentation_part import (
    SegmentationData,
    arrange_segmentation,
    summarise_segmentation,
)
from mining_the_mines.reporting.tables import Table
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.segmentation import segmentation_score_table
from support.report_pages import plain, summary
from support.report_segmentation import make_inventory

FEW = BootstrapSettings(resamples=20)


def chips(*counts: tuple[int, int, int], area: float = 0.01, fold: int | None = None) -> pd.DataFrame:
    """Chips of 100 pixels by true positives, false positives and false negatives, each of a place of its own."""
    table = pd.DataFrame(counts, columns=["true_positive", "false_positive", "false_negative"])
    rims = {"matched_predicted_rim": 4, "predicted_rim": 8, "matched_true_rim": 4, "true_rim": 8}
    union = table.sum(axis=1)
    return table.assign(
        filename=[f"chip_{index}.tif" for index in range(len(table))],
        true_negative=100 - union,
        iou=(table["true_positive"] / union).fillna(1.0),
        true_hectares=area * (table["true_positive"] + table["false_negative"]),
        predicted_hectares=area * (table["true_positive"] + table["false_positive"]),
        place=[f"place-{index}" for index in range(len(table))],
        fold=pd.array([fold] * len(table), dtype="Int64"),
        **rims,
    )


def data_of(table: pd.DataFrame, chip_scores: pd.DataFrame | None = None) -> SegmentationData:
    return SegmentationData(segmentation_score_table(table, FEW), table, threshold=0.5, chip_score_table=chip_scores)


def told(table: pd.DataFrame, chip_scores: pd.DataFrame | None = None) -> list[str]:
    return summary("segmentation", summarise_segmentation(data_of(table, chip_scores)), 0.95)


def headlines(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {item["title"]: (plain(item["value"]), plain(item["out_of_fold"])) for item in found["headlines"]}


def test_lead_states_found_and_false_hectares() -> None:
    lead = told(chips((60, 10, 20), (20, 0, 0), area=1.0))[0]
    assert lead.startswith("In places it has never seen, predicted and true mines overlap by 73 % (")
    assert lead.endswith(
        "of 100 ha of mines, 80.0 ha are predicted; 10.0 ha more are predicted where there is no mine."
    )


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [((40, 20, 0), "50 % too much"), ((20, 0, 20), "50 % too little"), ((40, 10, 10), "about right (0 %)")],
)
def test_total_area(counts: tuple[int, int, int], verdict: str) -> None:
    assert verdict in " ".join(told(chips(counts, counts)))


def test_missed_mines_and_empty_chips() -> None:
    text = " ".join(told(chips((10, 0, 0), (0, 5, 30), (9, 0, 1))))
    assert "Of 3 chips with a mine, 1 is missed altogether (0.3 ha)." in text
    assert "None of the 1 chip with a mine is missed" in " ".join(told(chips((10, 0, 0))))
    text = " ".join(told(chips((10, 0, 0), (0, 3, 0), (0, 0, 0))))
    assert "In 50 % (0 to 100 %) of 2 chips without a mine, none is predicted." in text
    assert "without a mine" not in " ".join(told(chips((10, 0, 0), (10, 1, 1))))


def test_comparison_with_classifiers() -> None:
    rows = [("test", model, None, "roc_auc", area, 0.8, 1.0) for model, area in (("segmenter", 0.91), ("blend", 0.95))]
    columns = ["split", "model", "category_excluded", "metric", "value", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    text = " ".join(told(chips((10, 0, 0), (0, 0, 0)), table))
    assert "it ranks chips with a mine first with a ROC AUC of 0.910; the blend with 0.950." in text
    alone = " ".join(told(chips((10, 0, 0), (0, 0, 0)), table.head(1)))
    assert "with a ROC AUC of 0.910." in alone


def test_no_test_split() -> None:
    found = summarise_segmentation(data_of(chips((10, 1, 1), (10, 0, 0), fold=0)))
    assert told(chips((10, 1, 1), (10, 0, 0), fold=0))[0].startswith("In places kept out of its training")
    assert not found["test"]
    assert not any(beside for _, beside in headlines(found).values())
    assert any("No chips were kept out for a test" in text for text in summary("caveats", [found], ()))


def test_nothing_to_score() -> None:
    text = told(chips((0, 0, 0), (0, 0, 0)).assign(true_rim=0, predicted_rim=0))
    assert text[0] == "There is neither a true nor a predicted mine to score."
    assert "nan" not in " ".join(text)


def arrange(data: SegmentationData, **changes: object) -> dict[str, Any]:
    return arrange_segmentation(dataclasses.replace(data, gallery=(), learning_curves=None, **changes))  # type: ignore[arg-type]


def cells(table: Table) -> dict[str, list[str]]:
    return {row.name: [plain(cell.text) for cell in row.cells] for row in table.rows}


def masks(**columns: object) -> pd.DataFrame:
    defaults = {"filename": ["a.tif", "b.tif"], "reason": None, "slivers": 0, "mine_pixels": [50, 0]}
    return pd.DataFrame({**defaults, "known_pixels": 1000, "mine_hectares": [0.5, 0.0], **columns})


def test_score_table_has_a_column_a_split(segmentation: SegmentationData) -> None:
    table = arrange(segmentation)["score_table"]
    assert table.heads == ("", "On the test chips", "Out of fold")
    scores = segmentation.score_table.set_index(["metric", "split"])["value"]
    found = cells(table)
    assert found["IoU"] == [f"{scores['iou', split]:.3f}" for split in ("test", "out-of-fold")]
    assert all(text.endswith(" ha") for name in ("Area bias", "True area") for text in found[name])
    assert all(text[0] in "+-0" for name in ("Area bias", "Relative area bias") for text in found[name])
    assert not any(text[0] in "+-" for text in found["Area error per image"])
    alone = arrange(segmentation, score_table=segmentation.score_table.query("split == 'out-of-fold'"))
    assert alone["score_table"].heads == ("", "Out of fold")


def test_polygons_are_counted_by_verdict_and_reason(segmentation: SegmentationData) -> None:
    table = arrange(segmentation)["mask_tables"][0]
    assert [(row.name, row.note, row.cells[0].text) for row in table.rows] == [
        ("Accepted", "", "71"),
        ("Repaired", "self-intersection", "28"),
        ("Dropped", "line, not a polygon", "4"),
        ("Dropped", "empty geometry", "1"),
    ]
    assert table.rows[2].cells[2].text == "–"
    assert len(arrange(segmentation, polygon_inventory=make_inventory()[:0])["mask_tables"]) == 1


def test_masks_are_counted(segmentation: SegmentationData) -> None:
    part = arrange(segmentation, polygon_inventory=None, mask_table=masks())
    found = cells(part["mask_tables"][0])
    assert (found["With a mine"], found["Without"], found["Left out"]) == (["1"], ["1"], ["0"])
    assert (found["Mined area"], found["Mined share"]) == (["0.5 ha"], ["2.5 %"])
    assert part["left_out"] is None
    part = arrange(segmentation, mask_table=masks(reason=[None, "it has no coordinate system"]))
    assert part["left_out"] is not None
    assert cells(part["left_out"]) == {"b.tif": ["it has no coordinate system"]}


def test_gallery_begins_with_the_worst_fit(segmentation: SegmentationData) -> None:
    shelves = segmentation_gallery(segmentation.gallery)
    assert shelves[0].title == "Mines with the worst fit"
    tile, card = segmentation.gallery[0], shelves[0].cards[0]
    assert card.figure == f"{tile.iou:.2f}"
    assert f"predicted {tile.predicted_hectares:.1f}" in card.details
    best = [tile for tile in segmentation.gallery if tile.kind == "best"]
    assert [shelf.title for shelf in segmentation_gallery(best)] == ["Mines with the best fit"]
