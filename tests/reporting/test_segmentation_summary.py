"""The plain sentences on outlines say what the measures say, hectares among them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.reporting import SegmentationData
from mining_the_mines.reporting.segmentation_summary import found_hectares, summarise_segmentation
from mining_the_mines.scoring import BootstrapSettings
from mining_the_mines.scoring.segmentation_scores import segmentation_score_table

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


def plain(text: str) -> str:
    """With ordinary spaces and minus signs."""
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


def contents_of(table: pd.DataFrame, detection_table: pd.DataFrame | None = None) -> SegmentationData:
    return SegmentationData(segmentation_score_table(table, FEW), table, threshold=0.5, detection_table=detection_table)


def sentences(table: pd.DataFrame, detection_table: pd.DataFrame | None = None) -> str:
    return plain(" ".join(summarise_segmentation(contents_of(table, detection_table), 0.95).sentences))


def test_the_lead_says_how_many_hectares_are_found_and_how_many_are_outlined_in_vain() -> None:
    lead = plain(summarise_segmentation(contents_of(chips((60, 10, 20), (20, 0, 0), area=1.0)), 0.95).lead)
    assert lead.startswith("In places it has never seen, outlines and true mines overlap by 73 % (")
    assert lead.endswith("of 100 ha of mines, 80.0 ha are outlined; 10.0 ha more are outlined where there is none.")


def test_pixels_of_another_size_count_by_their_area() -> None:
    both = pd.concat([chips((10, 0, 10), area=1.0), chips((10, 0, 0), area=0.01)])
    assert found_hectares(both) == pytest.approx(10.1)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [((40, 20, 0), "50 % too much"), ((20, 0, 20), "50 % too little"), ((40, 10, 10), "about right (+0 %)")],
)
def test_the_total_is_called_too_much_too_little_or_about_right(counts: tuple[int, int, int], verdict: str) -> None:
    assert verdict in sentences(chips(counts, counts))


def test_missed_mines_are_counted_with_their_hectares() -> None:
    assert "Of 3 chips with a mine, 1 is missed altogether (0.3 ha)." in sentences(
        chips((10, 0, 0), (0, 5, 30), (9, 0, 1))
    )
    assert "None of the 1 chip with a mine is missed" in sentences(chips((10, 0, 0)))


def test_chips_without_a_mine_are_answered_for_too() -> None:
    assert "50 % (0 to 100 %) of 2 chips without a mine stay free" in sentences(chips((10, 0, 0), (0, 3, 0), (0, 0, 0)))
    assert "without a mine" not in sentences(chips((10, 0, 0), (10, 1, 1)))


def test_the_map_is_compared_with_classifiers_as_a_detector() -> None:
    rows = [("test", model, None, "roc_auc", value, 0.8, 1.0) for model, value in (("outlines", 0.91), ("blend", 0.95))]
    columns = ["split", "model", "category_excluded", "metric", "value", "low", "high"]
    table = pd.DataFrame(rows, columns=columns).astype({"category_excluded": "string"})
    expected = "with a ROC AUC of 0.910; the blend of models with 0.950."
    assert expected in sentences(chips((10, 0, 0)), table)
    assert sentences(chips((10, 0, 0)), table[:1]).endswith("with a ROC AUC of 0.910.")
    assert "classifier" not in sentences(chips((10, 0, 0)), table[1:])


def test_without_a_test_split_the_answer_is_out_of_fold_and_says_so() -> None:
    answer = summarise_segmentation(contents_of(chips((10, 1, 1), (10, 0, 0), fold=0)), 0.95)
    assert answer.lead.startswith("In places kept out of its training")
    assert any("No chips were kept out for a test" in caveat for caveat in answer.caveats)
    assert not any(headline.out_of_fold for headline in answer.headlines)


def test_test_figures_stand_beside_those_out_of_fold() -> None:
    table = pd.concat([chips((10, 1, 1), (10, 0, 0), fold=0), chips((10, 5, 5), (4, 0, 0))])
    headlines = {headline.name: headline for headline in summarise_segmentation(contents_of(table), 0.95).headlines}
    assert plain(headlines["IoU"].value) == "58 %"
    assert plain(headlines["IoU"].out_of_fold).startswith("91 % (")
    assert plain(headlines["Area bias"].value) == "+0.0 ha"


def test_where_nothing_is_mined_or_outlined_there_is_nothing_to_score() -> None:
    answer = summarise_segmentation(contents_of(chips((0, 0, 0), (0, 0, 0)).assign(true_rim=0, predicted_rim=0)), 0.95)
    assert answer.lead == "There is neither a mine nor an outline to score."
    assert not any("nan" in text for text in (*answer.sentences, *(item.value for item in answer.headlines)))


def test_one_place_alone_has_figures_without_brackets() -> None:
    table = pd.concat([chips((10, 1, 1), fold=0), chips((10, 5, 5))])
    answer = summarise_segmentation(contents_of(table), 0.95)
    assert answer.caveats == ("There is only 1 place, from which no interval can be drawn.",)
    assert "()" not in " ".join((answer.lead, *answer.sentences, *(item.out_of_fold for item in answer.headlines)))


def test_the_tolerance_of_rims_is_named(outlines: SegmentationData) -> None:
    for tolerance, words in ((2.0, "than 2 pixels."), (1.0, "than 1 pixel."), (1.5, "than 1.5 pixels.")):
        answer = summarise_segmentation(dataclasses.replace(outlines, tolerance=tolerance), 0.95)
        assert any(words in sentence for sentence in answer.sentences)


def test_chips_of_which_nothing_is_known_are_not_counted_as_empty() -> None:
    unknown = chips((0, 0, 0)).assign(true_negative=0, iou=np.nan, place="elsewhere")
    assert "1 chip without a mine" in sentences(pd.concat([chips((10, 0, 0), (0, 0, 0)), unknown]))
