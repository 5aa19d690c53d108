"""Answers of several reviewers."""

from typing import Any, Literal

import pandas as pd
import pytest

from mining_the_mines.assessment.agreement import measure_agreement
from mining_the_mines.assessment.answers import judge_places
from mining_the_mines.assessment.settings import AreaSettings
from mining_the_mines.core.errors import BadInputError
from support.judged_samples import answers_of, sample_of


def combined(rule: Literal["majority", "unanimous", "any_mine"], *given: str) -> str:
    answers = answers_of({f"r{number}": [answer] for number, answer in enumerate(given)})
    judged = judge_places(answers, sample_of({"mine": 1}), AreaSettings(several_reviewers=rule))
    return str(judged.places["answer"].iloc[0])


@pytest.mark.parametrize(
    ("rule", "given", "answer"),
    [
        ("majority", ("mine", "mine", "no_mine"), "mine"),
        ("majority", ("mine", "no_mine"), "cannot_tell"),
        ("majority", ("mine", "cannot_tell"), "mine"),
        ("majority", ("cannot_tell", "cannot_tell"), "cannot_tell"),
        ("unanimous", ("mine", "mine", "no_mine"), "cannot_tell"),
        ("unanimous", ("no_mine", "no_mine"), "no_mine"),
        ("any_mine", ("no_mine", "no_mine", "mine"), "mine"),
        ("any_mine", ("no_mine", "cannot_tell"), "no_mine"),
    ],
)
def test_several_answers_become_one_by_a_stated_rule(rule: Any, given: tuple[str, ...], answer: str) -> None:
    assert combined(rule, *given) == answer


def test_disagreements_are_listed_with_who_said_what() -> None:
    answers = answers_of({"Ana": ["mine", "no_mine"], "Bo": ["mine", "mine"]})
    listed = judge_places(answers, sample_of({"mine": 2}), AreaSettings()).disagreements

    assert listed["answers"].tolist() == ["Ana: no_mine; Bo: mine"]
    assert listed["combined"].tolist() == ["cannot_tell"]


def test_answers_for_other_places_do_not_count_and_are_told(caplog: pytest.LogCaptureFixture) -> None:
    answers = answers_of({"Ana": ["mine", "mine", "no_mine"]})
    judged = judge_places(answers, sample_of({"mine": 2}), AreaSettings())

    assert len(judged.places) == 2
    assert "1 answered places are not in this sample, such as place-2" in caplog.text


def test_the_later_of_two_answers_of_a_reviewer_counts_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    first, later = answers_of({"Ana": ["mine"]}), answers_of({"Ana": ["no_mine"]}, "2024-05-02")
    judged = judge_places(pd.concat([later, first]), sample_of({"mine": 1}), AreaSettings())

    assert judged.places["answer"].tolist() == ["no_mine"]
    assert "1 answers were given anew" in caplog.text


def test_two_answers_of_a_reviewer_at_one_time_are_refused() -> None:
    answers = pd.concat([answers_of({"Ana": ["mine"]}), answers_of({"Ana": ["no_mine"]})])

    with pytest.raises(BadInputError, match="Ana gives two answers at place-0"):
        judge_places(answers, sample_of({"mine": 1}), AreaSettings())


def test_a_class_that_nobody_has_heard_of_is_refused() -> None:
    with pytest.raises(BadInputError, match="Ana answers 'quarry' at place-0, which is no class"):
        judge_places(answers_of({"Ana": ["quarry"]}), sample_of({"mine": 1}), AreaSettings())


def test_cohens_kappa_is_that_of_his_paper() -> None:
    # 20 of 25 proposals alike: the example of Wikipedia's article, kappa 0.4.
    pairs = [("mine", "mine")] * 20 + [("mine", "no_mine")] * 5 + [("no_mine", "mine")] * 10
    pairs += [("no_mine", "no_mine")] * 15
    table = measure_agreement(answers_of({"Ana": [one for one, _ in pairs], "Bo": [other for _, other in pairs]}))
    cohen = table.set_index("measure").loc["cohen_kappa"]

    assert cohen["kappa"] == pytest.approx(0.4)
    assert cohen["agreement"] == pytest.approx(0.7)


def test_fleiss_kappa_counts_all_pairs_of_reviewers() -> None:
    answers = {
        "Ana": ["mine", "no_mine", "mine"],
        "Bo": ["mine", "no_mine", "no_mine"],
        "Cy": ["mine", "no_mine", "mine"],
    }
    fleiss = measure_agreement(answers_of(answers)).set_index("measure").loc["fleiss_kappa"]
    agreement, chance = (1 + 1 + 1 / 3) / 3, (5 / 9) ** 2 + (4 / 9) ** 2

    assert fleiss["kappa"] == pytest.approx((agreement - chance) / (1 - chance))


def test_one_reviewer_agrees_with_nobody() -> None:
    assert measure_agreement(answers_of({"Ana": ["mine", "no_mine"]})).empty


def test_reviewers_who_all_give_one_answer_have_no_kappa() -> None:
    table = measure_agreement(answers_of({"Ana": ["mine", "mine"], "Bo": ["mine", "mine"]}))

    assert table["kappa"].isna().all()
    assert (table["agreement"] == 1).all()
