"""Two runs side by side."""

import math
from collections.abc import Mapping

import pytest

from mining_the_mines.core.hashing import NOTHING
from mining_the_mines.ledger.comparison import (
    GPU_TOLERANCE,
    Compared,
    all_agree,
    code_differences,
    compare_metrics,
    compare_outputs,
    data_differences,
    environment_differences,
    file_differences,
    inexact_outputs,
    parameter_differences,
    usual_tolerance,
)
from mining_the_mines.ledger.records import NodeRecord, RunRecord
from support.stored_files import CODE, ENVIRONMENT, node, run, state


def test_a_commit_that_changes_no_code_of_the_package_is_no_difference() -> None:
    assert not list(code_differences(CODE, CODE.model_copy(update={"commit": "f" * 40, "dirty": True})))


def test_other_code_is_named_by_package_and_commit() -> None:
    [difference] = code_differences(CODE, CODE.model_copy(update={"package_hash": "e" * 64}))
    commit = f"(commit {CODE.commit[:12]})"
    assert str(difference) == f"code: package {'c' * 12} {commit} then, package {'e' * 12} {commit} now"


def test_another_lock_file_package_and_python_are_named() -> None:
    other = ENVIRONMENT.model_copy(update={"lock_hash": "9" * 64, "packages": {"torch": "2.0"}, "python": "3.12.1"})
    assert [difference.what for difference in environment_differences(ENVIRONMENT, other)] == [
        "lock file",
        "package torch",
        "Python",
    ]


def test_sums_that_are_shared_out_among_more_threads_are_other_sums() -> None:
    one, two = (ENVIRONMENT.model_copy(update={"threads": threads}) for threads in (1, 2))
    assert [difference.what for difference in environment_differences(one, two)] == ["threads (OMP_NUM_THREADS)"]
    assert not list(environment_differences(ENVIRONMENT, two)), "an older record does not say"


def test_a_patch_of_python_and_another_machine_are_no_differences() -> None:
    other = ENVIRONMENT.model_copy(update={"python": "3.11.99", "platform": "other", "device": "NVIDIA H100"})
    assert not list(environment_differences(ENVIRONMENT, other))


def test_raw_data_that_changed_are_named_with_their_place() -> None:
    [difference] = data_differences(run(node("cut", ["outlines"], ["chips"])), {"outlines": "f" * 64})
    assert str(difference).startswith("data: outlines (data/outlines): ")


def test_a_file_that_a_parameter_names_is_named_where_it_changed_or_is_gone() -> None:
    record = run(
        node("choose", [], ["places"]).model_copy(update={"files": {"conf/regions.csv": "a" * 64, "b.tif": "b" * 64}})
    )
    now = {"conf/regions.csv": "f" * 64, "b.tif": NOTHING}
    assert list(map(str, file_differences(record, now))) == [
        f"data: conf/regions.csv: {'a' * 12} then, {'f' * 12} now",
        f"data: b.tif: {'b' * 12} then, nothing now",
    ]
    assert not list(file_differences(record, record.named_files()))


def test_a_file_that_a_parameter_names_and_the_run_makes_is_no_raw_data() -> None:
    mapped = node("take", ["chips"], ["taken"]).model_copy(update={"files": {"data/chips/a.tif": "a" * 64}})
    assert not run(node("cut", [], ["chips"]), mapped).named_files()


def test_a_run_s_own_files_are_no_raw_data() -> None:
    record = run(node("cut", ["outlines"], ["chips"]), node("pack", ["chips"], ["packed"]))
    assert list(record.raw_inputs()) == ["outlines"]


def test_what_lies_in_a_folder_that_the_run_makes_is_no_raw_data() -> None:
    inside = node("detect", [state("unlabelled", path="data/chips/unlabelled")], ["found"])
    assert list(run(node("cut", ["outlines"], ["chips"]), inside).raw_inputs()) == ["outlines"]


def test_parameters_are_named_with_dots() -> None:
    then = {"training": {"epochs": 3, "bands": ("B2", "B3")}}
    now = {"training": {"epochs": 4, "bands": ["B2", "B3"]}, "tasks": ["classification"]}
    assert list(map(str, parameter_differences(then, now))) == [
        "parameter tasks: None then, ['classification'] now",
        "parameter training.epochs: 3 then, 4 now",
    ]


def test_figures_are_equal_to_the_last_digit_or_not_at_all() -> None:
    rows = compare_metrics(
        {"a": 0.1 + 0.2, "b": math.nan, "c": 1.0, "d": 1.0}, {"a": 0.3, "b": math.nan, "c": 1.0}, 0.0
    )
    assert [row.verdict for row in rows] == ["different", "equal", "equal", "missing"]


def test_a_tolerance_lets_figures_be_close() -> None:
    [row] = compare_metrics({"a": 0.5}, {"a": 0.505}, 0.01)
    assert row.verdict == "close"
    assert row.agrees


def test_a_figure_that_only_the_second_run_has_does_not_agree() -> None:
    [row] = compare_metrics({}, {"a": 0.5}, 1.0)
    assert not row.agrees


def test_outputs_are_compared_by_what_they_hold_wherever_they_lie() -> None:
    then = run(node("cut", [], [state("chips", "a" * 64, path="data/chips"), state("seen", path=None)]))
    now = run(node("cut", [], [state("chips", "a" * 64, path="data/reproductions/1/chips"), state("new", "b" * 64)]))
    assert [(row.name, row.verdict) for row in compare_outputs(then, now)] == [("chips", "equal"), ("new", "new")]


def trained(device: str, contents: Mapping[str, str] | None = None) -> RunRecord:
    """A run from raw data to scores, on some device; what a dataset holds is its name unless said otherwise."""
    held = contents or {}

    def made(name: str, inputs: list[str], outputs: list[str]) -> NodeRecord:
        read, written = ([state(each, held.get(each, "")) for each in names] for names in (inputs, outputs))
        record = node(name, read, written)
        return record.model_copy(update={"environment": ENVIRONMENT.model_copy(update={"device": device})})

    return run(
        made("cut_chips", ["mine_polygons"], ["packed_chips"]),
        made("assign_folds", ["packed_chips"], ["folds"]),
        made("train_baseline", ["packed_chips", "folds"], ["classification.baseline"]),
        made("train_network", ["packed_chips", "folds"], ["classification.network", "classification.curves"]),
        made("score_models", ["classification.curves"], ["classification.scores"]),
    )


def judge(then: RunRecord, now: RunRecord, figures: list[Compared]) -> tuple[dict[str, str], bool]:
    rows = compare_outputs(then, now, inexact_outputs(then, now))
    return {row.name: row.verdict for row in rows if row.verdict != "equal"}, all_agree(figures, rows)


CLOSE = compare_metrics({"roc_auc": 0.9}, {"roc_auc": 0.905}, GPU_TOLERANCE)
APART = compare_metrics({"roc_auc": 0.9}, {"roc_auc": 0.915}, GPU_TOLERANCE)
OTHER_DIGITS = dict.fromkeys(("classification.network", "classification.curves", "classification.scores"), "9" * 64)


def test_figures_may_be_apart_only_where_an_accelerator_took_part() -> None:
    assert usual_tolerance(["cpu", "cpu"]) == 0
    assert usual_tolerance(["cpu", "NVIDIA H100"]) == GPU_TOLERANCE == 0.01


@pytest.mark.parametrize("devices", [("NVIDIA H100", "NVIDIA H100"), ("cpu", "mps"), ("mps", "cpu")])
def test_what_an_accelerator_trained_may_have_other_digits_while_figures_are_close(devices: tuple[str, str]) -> None:
    then, now = trained(devices[0]), trained(devices[1], OTHER_DIGITS)
    assert judge(then, now, CLOSE) == (dict.fromkeys(OTHER_DIGITS, "close"), True)
    assert not judge(then, now, APART)[1]


@pytest.mark.parametrize("dataset", ["mine_polygons", "packed_chips", "folds", "classification.baseline"])
def test_what_no_network_had_a_part_in_is_equal_byte_for_byte_on_an_accelerator_too(dataset: str) -> None:
    then, now = trained("NVIDIA H100"), trained("NVIDIA H100", {**OTHER_DIGITS, dataset: "9" * 64})
    verdicts, agree = judge(then, now, CLOSE)
    assert verdicts[dataset] == "different"
    assert not agree


def test_on_a_cpu_every_file_is_equal_whatever_figures_are_allowed() -> None:
    assert not judge(trained("cpu"), trained("cpu", OTHER_DIGITS), CLOSE)[1]


def test_without_figures_nothing_vouches_for_files_that_differ() -> None:
    then = trained("NVIDIA H100")
    assert not judge(then, trained("NVIDIA H100", OTHER_DIGITS), [])[1]
    assert judge(then, trained("NVIDIA H100"), [])[1]


def test_a_file_that_is_missing_is_never_close() -> None:
    then = trained("NVIDIA H100")
    now = then.model_copy(update={"nodes": then.nodes[:-1]})
    assert judge(then, now, CLOSE) == ({"classification.scores": "missing"}, False)
