"""What the catalog says of each dataset, and in which of them it now says something else."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mining_the_mines.core.hashing import hash_values
from mining_the_mines.ledger.comparison import Difference
from mining_the_mines.ledger.records import RunRecord

#: What an entry of the catalog says that changes nothing in what is read or written: how others show it, and how one
#: logs in.
BESIDE: Final = ("metadata", "credentials")
#: Entries that stand for all datasets of a name like this.
_PATTERN: Final = "{"
_DIGITS: Final = 12


def hash_entries(catalog: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each entry, but for what changes nothing (:data:`BESIDE`).

    Args:
        catalog: Its configuration, by dataset.
    """
    return {name: hash_values(_without_beside(entry)) for name, entry in catalog.items()}


def catalog_differences(record: RunRecord, catalog: Mapping[str, Any]) -> Iterator[Difference]:
    """Tell in which of the datasets that a run read or wrote the catalog differs.

    Args:
        record: Of the run. Older ones have a hash of the whole configuration only, and no entry can be named.
        catalog: Its configuration today, by dataset.
    """
    if not record.catalog_entries:
        now = hash_values(catalog)
        if now != record.catalog_hash:
            yield Difference("catalog", record.catalog_hash[:_DIGITS], now[:_DIGITS])
        return
    used = {state.dataset for node in record.nodes for state in (*node.inputs, *node.outputs)}
    entries = hash_entries(catalog)
    for name in sorted({*record.catalog_entries, *entries}):
        then, today = (known.get(name, "none") for known in (record.catalog_entries, entries))
        if then != today and (name in used or _PATTERN in name):
            yield Difference(f"catalog: {name}", then[:_DIGITS], today[:_DIGITS])


def _without_beside(entry: Any) -> Any:  # noqa: ANN401 - as configuration is
    if not isinstance(entry, Mapping):
        return entry
    return {part: value for part, value in entry.items() if part not in BESIDE}
