"""Comparison of two runs."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from mining_the_mines.core.hashing import NOTHING, hash_values
from mining_the_mines.ledger.comparison import (
    GPU_TOLERANCE,
    Compared,
    all_agree,
    catalog_differences,
    code_differences,
    compare_metrics,
    compare_outputs,
    data_differences,
    environment_differences,
    file_differences,
    hash_entries,
    inexact_outputs,
    parameter_differences,
    usual_tolerance,
)
from mining_the_mines.ledger.records import NodeRecord, RunRecord
from support.recorded_runs import CODE, ENVIRONMENT, node, run, state


def test_same_code_in_another_commit() -> None:
    assert not list(code_differences(CODE, CODE.model_copy(update={"commit": "f" * 40, "dirty": True})))


def test_other_code() -> None:
    [difference] = code_differences(CODE, CODE.model_copy(update={"package_hash": "e" * 64}))
    commit = f"(commit {CODE.commit[:12]})"
    assert str(difference) == f"code: package {'d' * 12} {commit} then, package {'e' * 12} {commit} now"


def test_other_lock_file_package_and_python() -> None:
    other = ENVIRONMENT.model_copy(update={"lock_hash": "9" * 64, "packages": {"torch": "2.0"}, "python": "3.12.1"})
    assert [difference.what for difference in environment_differences(ENVIRONMENT, other)] == [
        "lock file",
        "package torch",
        "Python",
    ]


def test_other_number_of_threads() -> None:
    one, two = (ENVIRONMENT.model_copy(update={"threads": threads}) for threads in (1, 2))
    assert [difference.what for difference in environment_differences(one, two)] == ["threads (OMP_NUM_THREADS)"]
    assert not list(environment_differences(ENVIRONMENT, two)), "an older record does not say"


def test_patch_of_python_and_other_machine() -> None:
    other = ENVIRONMENT.model_copy(update={"python": "3.11.99", "platform": "other", "device": "NVIDIA H100"})
    assert not list(environment_differences(ENVIRONMENT, other))


def test_changed_raw_data() -> None:
    [difference] = data_differences(run(node("cut", ["outlines"], ["chips"])), {"outlines": "f" * 64})
    assert str(difference).startswith("data: outlines (data/outlines): ")


def test_changed_file_of_a_parameter() -> None:
    record = run(
        node("choose", [], ["places"]).model_copy(update={"files": {"conf/regions.csv": "a" * 64, "b.tif": "b" * 64}})
    )
    now = {"conf/regions.csv": "f" * 64, "b.tif": NOTHING}
    assert list(map(str, file_differences(record, now))) == [
        f"data: conf/regions.csv: {'a' * 12} then, {'f' * 12} now",
        f"data: b.tif: {'b' * 12} then, nothing now",
    ]
    assert not list(file_differences(record, record.named_files()))


def test_parameter_names_an_output() -> None:
    mapped = node("take", ["chips"], ["taken"]).model_copy(update={"files": {"data/chips/a.tif": "a" * 64}})
    assert not run(node("cut", [], ["chips"]), mapped).named_files()


def test_input_inside_an_output_is_no_raw_data() -> None:
    inside = node("detect", [state("unlabelled", path="data/chips/unlabelled")], ["found"])
    assert list(run(node("cut", ["outlines"], ["chips"]), inside).raw_inputs()) == ["outlines"]


def test_changed_parameters() -> None:
    then = {"training": {"epochs": 3, "bands": ("B2", "B3")}}
    now = {"training": {"epochs": 4, "bands": ["B2", "B3"]}, "tasks": ["classification"]}
    assert list(map(str, parameter_differences(then, now))) == [
        "parameter tasks: None then, ['classification'] now",
        "parameter training.epochs: 3 then, 4 now",
    ]


def test_metrics_without_tolerance() -> None:
    rows = compare_metrics(
        {"a": 0.1 + 0.2, "b": math.nan, "c": 1.0, "d": 1.0}, {"a": 0.3, "b": math.nan, "c": 1.0}, 0.0
    )
    assert [row.verdict for row in rows] == ["different", "equal", "equal", "missing"]


def test_outputs_by_content() -> None:
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
        made("train_trees", ["packed_chips", "folds"], ["classification.trees"]),
        made("train_network", ["packed_chips", "folds"], ["classification.network", "classification.curves"]),
        made("score_models", ["classification.curves"], ["classification.scores"]),
    )


NETWORKS = {"classification.network"}


def judge(then: RunRecord, now: RunRecord, figures: list[Compared]) -> tuple[dict[str, str], bool]:
    rows = compare_outputs(then, now, inexact_outputs(NETWORKS, then, now))
    return {row.name: row.verdict for row in rows if row.verdict != "equal"}, all_agree(figures, rows)


CLOSE = compare_metrics({"roc_auc": 0.9}, {"roc_auc": 0.905}, GPU_TOLERANCE)
APART = compare_metrics({"roc_auc": 0.9}, {"roc_auc": 0.915}, GPU_TOLERANCE)
OTHER_DIGITS = dict.fromkeys(("classification.network", "classification.curves", "classification.scores"), "9" * 64)


def test_usual_tolerance() -> None:
    assert usual_tolerance(["cpu", "cpu"]) == 0
    assert usual_tolerance(["cpu", "NVIDIA H100"]) == GPU_TOLERANCE == 0.01


@pytest.mark.parametrize("devices", [("NVIDIA H100", "NVIDIA H100"), ("cpu", "mps"), ("mps", "cpu")])
def test_networks_on_an_accelerator(devices: tuple[str, str]) -> None:
    then, now = trained(devices[0]), trained(devices[1], OTHER_DIGITS)
    assert judge(then, now, CLOSE) == (dict.fromkeys(OTHER_DIGITS, "close"), True)
    assert not judge(then, now, APART)[1]


@pytest.mark.parametrize("dataset", ["mine_polygons", "packed_chips", "folds", "classification.trees"])
def test_exact_data_on_an_accelerator(dataset: str) -> None:
    then, now = trained("NVIDIA H100"), trained("NVIDIA H100", {**OTHER_DIGITS, dataset: "9" * 64})
    verdicts, agree = judge(then, now, CLOSE)
    assert verdicts[dataset] == "different"
    assert not agree


def test_files_on_a_cpu() -> None:
    assert not judge(trained("cpu"), trained("cpu", OTHER_DIGITS), CLOSE)[1]


def test_differing_files_without_metrics() -> None:
    then = trained("NVIDIA H100")
    assert not judge(then, trained("NVIDIA H100", OTHER_DIGITS), [])[1]
    assert judge(then, trained("NVIDIA H100"), [])[1]


def test_missing_file() -> None:
    then = trained("NVIDIA H100")
    now = then.model_copy(update={"nodes": then.nodes[:-1]})
    assert judge(then, now, CLOSE) == ({"classification.scores": "missing"}, False)


CATALOG: dict[str, Any] = {
    "folds": {"type": "CsvTable", "filepath": "data/folds.csv", "metadata": {"kedro-viz": {"layer": "03_primary"}}},
    "report": {"type": "HtmlPage", "filepath": "data/report.html"},
    "map_page": {"type": "HtmlPage", "filepath": "data/map.html", "credentials": "somebody"},
}
RECORD = run(node("report", ["folds"], ["report", "map_page"])).model_copy(
    update={"catalog_entries": hash_entries(CATALOG), "catalog_hash": hash_values(CATALOG)}
)


def changed_entries(catalog: dict[str, Any], record: RunRecord = RECORD) -> list[str]:
    return [difference.what for difference in catalog_differences(record, catalog)]


def test_changed_and_missing_entries() -> None:
    other = {"folds": {**CATALOG["folds"], "filepath": "data/other.csv"}, "report": CATALOG["report"]}
    assert changed_entries(other) == ["catalog: folds", "catalog: map_page"]


def test_metadata_and_credentials_of_entries() -> None:
    other = {"metadata": {"mining_the_mines": {"artifact": True}}, "credentials": "nobody"}
    assert changed_entries({name: {**entry, **other} for name, entry in CATALOG.items()}) == []


def test_unused_entries_and_factories() -> None:
    assert changed_entries({**CATALOG, "masks": {"type": "Masks"}}) == []
    assert changed_entries({**CATALOG, "{name}_table": {"type": "CsvTable"}}) == ["catalog: {name}_table"]


def test_older_record_without_entries() -> None:
    older = RunRecord.model_validate(RECORD.model_dump(mode="json", exclude={"catalog_entries"}))
    assert changed_entries(CATALOG, older) == []
    assert changed_entries({"folds": CATALOG["folds"]}, older) == ["catalog"]
