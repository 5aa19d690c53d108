"""Model cards."""

import pandas as pd
import pytest

from mining_the_mines.registry.card import DESCRIPTION_LETTERS, CardData, break_down, region_of, shorten, write_card
from mining_the_mines.scoring.metrics import weighted_scores
from support.registered_models import SETTINGS, description, judged_chips


def card_of(caveats: tuple[str, ...] = ("The scenes are simulated.",), *, tested: bool = True) -> str:
    chips = judged_chips()
    folds = chips.assign(split="test" if tested else "train")
    folds.loc[:29, ["split", "place"]] = ["train", "west/p1"]
    regions = break_down(
        chips,
        folds["place"].map(region_of),
        lambda rows: weighted_scores(rows["label"], rows["good"], 0.5),
        "roc_auc",
        SETTINGS.bootstrap,
    )
    scores = pd.DataFrame(
        {"split": ["test", "test"], "metric": ["roc_auc", "f1"], "value": [0.91, 0.8], "low": 0.7, "high": 0.95}
    )
    categories = pd.DataFrame(
        {
            "split": "test",
            "part": ["quarry (recall)"],
            "value": [0.5],
            "low": float("nan"),
            "high": float("nan"),
            "chips": [4],
        }
    )
    given = (folds, scores, categories, regions, "roc_auc", caveats)
    return write_card(CardData("mine-classifier", description(), *given))


def test_a_card_has_all_sections() -> None:
    card = card_of()
    for heading in ("Intended use", "What it takes and gives", "Data", "Scores", "Limits"):
        assert f"\n## {heading}\n" in card
    assert "| ROC AUC | 0.910 (0.700 to 0.950) | – |" in card
    assert "| quarry (recall) | test | 0.500 | 4 |" in card
    assert "| east | test |" in card
    assert "| west | test |" in card
    assert "B2, B3, B4, B8, B11, B12" in card


def test_a_perfect_figure_of_a_part_is_not_certain() -> None:
    chips = judged_chips()
    perfect = chips.assign(good=chips["label"].astype(float))
    table = break_down(
        perfect,
        pd.Series("all", index=perfect.index),
        lambda rows: weighted_scores(rows["label"], rows["good"], 0.5),
        "recall",
        SETTINGS.bootstrap,
    )
    assert (table["value"] == 1).all()
    assert (table["low"] < 0.99).all()


def test_a_card_repeats_the_caveats() -> None:
    assert "**The scenes are simulated.**" in card_of()
    assert "simulated" not in card_of(())


def test_a_card_without_a_test_split_says_so() -> None:
    assert "There is no test split" in card_of(tested=False)


@pytest.mark.parametrize("letters", [10, DESCRIPTION_LETTERS, DESCRIPTION_LETTERS + 1, 20_000])
def test_a_long_card_is_shortened(letters: int) -> None:
    card = ("A line of a table.\n\n" * (letters // 20 + 1))[:letters]
    short = shorten(card)
    assert len(short) <= DESCRIPTION_LETTERS
    assert (short == card) == (letters <= DESCRIPTION_LETTERS)
    assert ("model_card.md" in short) == (letters > DESCRIPTION_LETTERS)
