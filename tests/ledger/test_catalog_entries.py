"""A catalog that says something else, told by entry."""

from typing import Any

from mining_the_mines.core.hashing import hash_values
from mining_the_mines.ledger.catalog_entries import catalog_differences, hash_entries
from mining_the_mines.ledger.records import RunRecord
from support.stored_files import node, run

CATALOG: dict[str, Any] = {
    "folds": {"type": "CsvTable", "filepath": "data/folds.csv", "metadata": {"kedro-viz": {"layer": "03_primary"}}},
    "report": {"type": "HtmlPage", "filepath": "data/report.html"},
    "map_page": {"type": "HtmlPage", "filepath": "data/map.html", "credentials": "somebody"},
}
RECORD = run(node("report", ["folds"], ["report", "map_page"])).model_copy(
    update={"catalog_entries": hash_entries(CATALOG), "catalog_hash": hash_values(CATALOG)}
)


def told(changed: dict[str, Any], record: RunRecord = RECORD) -> list[str]:
    return [difference.what for difference in catalog_differences(record, changed)]


def test_entries_that_differ_are_named() -> None:
    other = {"folds": {**CATALOG["folds"], "filepath": "data/other.csv"}, "report": CATALOG["report"]}
    differences = list(catalog_differences(RECORD, other))
    assert [difference.what for difference in differences] == ["catalog: folds", "catalog: map_page"]
    assert differences[1].now == "none"


def test_how_a_dataset_is_shown_and_how_one_logs_in_is_no_difference() -> None:
    shown = {"metadata": {"kedro-viz": {"layer": "raw", "preview_args": {"rows": 3}}}, "credentials": "nobody"}
    assert told({name: {**entry, **shown} for name, entry in CATALOG.items()}) == []


def test_an_entry_that_the_run_never_used_is_no_difference_but_a_pattern_may_be() -> None:
    assert told({**CATALOG, "masks": {"type": "Masks"}}) == []
    assert told({**CATALOG, "{name}_table": {"type": "CsvTable"}}) == ["catalog: {name}_table"]


def test_a_record_of_an_older_version_tells_that_the_catalog_differs_but_not_where() -> None:
    fields = RECORD.model_dump(mode="json")
    del fields["catalog_entries"]
    older = RunRecord.model_validate(fields)
    assert told(CATALOG, older) == []
    assert told({"folds": CATALOG["folds"]}, older) == ["catalog"]
