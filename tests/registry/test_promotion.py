"""Promotion of a challenger."""

import json

import pandas as pd
import pytest
from pydantic import ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.registry.promotion import Decision, PromotionCase, RegistrationSettings, decide
from support.registered_models import SETTINGS, judged_chips, never, scorer

CHIPS = judged_chips()


def compare(challenger: str, champion: str, chips: pd.DataFrame = CHIPS, **changes: object) -> Decision:
    """Compare two of the models."""
    case = PromotionCase(scorer(chips, challenger), chips["place"], scorer(chips, champion), "3", left_out=2)
    return decide(case, SETTINGS.model_copy(update=changes))


def test_a_better_model_becomes_the_champion() -> None:
    decision = compare("good", "guess")
    assert decision.outcome == "champion"
    assert decision.difference is not None
    assert decision.challenger is not None
    assert decision.champion is not None
    assert decision.difference.low > 0
    assert decision.difference.value == pytest.approx(decision.challenger.value - decision.champion.value)
    assert (decision.chips, decision.places, decision.left_out, decision.champion_version) == (60, 12, 2, "3")


def test_an_equal_model_stays_the_challenger() -> None:
    decision = compare("good", "good")
    assert decision.outcome == "challenger"
    assert "does not lie above 0" in decision.reason


def test_a_small_margin_does_not_win() -> None:
    decision = compare("good", "guess", margin=0.9)
    assert decision.outcome == "challenger"
    assert "less than the margin of 0.9" in decision.reason


def test_luck_on_few_chips_is_not_enough() -> None:
    chips = CHIPS.assign(other=CHIPS["good"].where(CHIPS.index != CHIPS.index[CHIPS["label"] == 1][0], 0.0))
    decision = compare("good", "other", chips, margin=0.0)
    assert decision.difference is not None
    assert decision.difference.value > 0
    assert decision.outcome == "challenger"


def test_the_first_scored_model_becomes_champion() -> None:
    decision = decide(PromotionCase(scorer(CHIPS, "guess"), CHIPS["place"]), SETTINGS)
    assert (decision.outcome, decision.champion, decision.difference) == ("champion", None, None)
    assert decision.reason.startswith("There was no champion")


def test_without_test_chips_there_is_no_champion() -> None:
    decision = decide(PromotionCase(never, []), SETTINGS)
    assert decision.outcome == "challenger"
    assert "no test chips" in decision.reason


def test_a_test_split_needs_mines() -> None:
    forest = CHIPS[CHIPS["label"] == 0]
    decision = decide(PromotionCase(scorer(forest, "good"), forest["place"]), SETTINGS)
    assert decision.outcome == "challenger"
    assert "gives no roc_auc" in decision.reason


@pytest.mark.parametrize(("chips", "places"), [(6, 6), (40, 2)])
def test_too_few_unseen_chips(chips: int, places: int) -> None:
    few = judged_chips(chips, places)
    decision = compare("good", "guess", few)
    assert decision.outcome == "challenger"
    assert decision.reason.startswith(f"Only {chips} test chips of {places} places are left that version 3 was not")


def test_metric_of_the_other_task() -> None:
    with pytest.raises(BadInputError, match=r"^The metric iou that mine-classifier is to win by is none of its task"):
        compare("good", "guess", metric="iou")


def test_a_decision_is_json() -> None:
    record = json.loads(json.dumps(compare("good", "guess").record(), allow_nan=False))
    assert record["difference"].keys() == {"value", "low", "high"}
    assert (record["metric"], record["margin"], record["confidence"]) == ("roc_auc", 0.01, 0.95)
    one_place = CHIPS.assign(place="east/p0")
    settings = SETTINGS.model_copy(update={"minimum_places": 1})
    alone = decide(PromotionCase(scorer(one_place, "good"), one_place["place"]), settings).record()
    assert alone["challenger"]["low"] is None


@pytest.mark.parametrize("metric", ["log_loss", "gini"])
def test_metric_to_win_by_is_a_score_that_rises(metric: str) -> None:
    with pytest.raises(ValidationError, match=f"No model can win by the metric {metric}: name one of f1, .*iou"):
        RegistrationSettings(name="mine-classifier", metric=metric)
    assert RegistrationSettings(name="mine-classifier", metric="mcc").metric == "mcc"
