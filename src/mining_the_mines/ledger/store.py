"""Records of all nodes that ever ran, a file each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.ledger.records import NodeRecord, RunRecord

#: Digits of a key that a file's name bears.
_DIGITS: Final = 16
_NODES: Final = "nodes"
_RUNS: Final = "runs"


@dataclass(frozen=True)
class Ledger:
    """A folder of records, to which is only ever added.

    Attributes:
        folder: The folder, which need not exist yet.
    """

    folder: Path

    def add(self, record: NodeRecord) -> None:
        """Write a record down."""
        time = re.sub(r"\D", "", record.finished)
        place = self.folder / _NODES / record.node / f"{time}-{record.key[:_DIGITS]}.json"
        with whole_file(place) as draft:
            draft.write_text(record.model_dump_json(indent=1), encoding="utf-8")

    def add_run(self, record: RunRecord) -> Path:
        """Write down what a run was made of; what was written of it before is replaced.

        Returns:
            The file.
        """
        place = self.folder / _RUNS / f"{record.run_id}.json"
        with whole_file(place) as draft:
            draft.write_text(record.model_dump_json(indent=1), encoding="utf-8")
        return place

    def run(self, run_id: str) -> RunRecord | None:
        """Read what a run was made of; ``None`` if it was not written down."""
        try:
            return RunRecord.model_validate_json((self.folder / _RUNS / f"{run_id}.json").read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def with_key(self, node: str, key: str) -> Iterator[NodeRecord]:
        """Find the records of a node with that key, the newest first."""
        for path in sorted((self.folder / _NODES / node).glob(f"*-{key[:_DIGITS]}.json"), reverse=True):
            record = _read(path)
            if record is not None and record.key == key:
                yield record

    @cached_property
    def nodes(self) -> tuple[NodeRecord, ...]:
        """All records of nodes, the newest first."""
        records = [_read(path) for path in (self.folder / _NODES).glob("*/*.json")]
        return tuple(sorted((record for record in records if record), key=lambda record: record.finished, reverse=True))

    def writer(self, dataset: str, version: str | None = None) -> NodeRecord | None:
        """Find the node that wrote a dataset.

        Args:
            dataset: Its name in the catalog.
            version: Its version, or the first digits of the hash of what it holds or of one of its parts; ``None`` for
                what was written last.

        Returns:
            The newest such record; ``None`` if there is none.
        """
        return next((record for record in self.nodes if _wrote(record, dataset, version)), None)


def _wrote(record: NodeRecord, dataset: str, version: str | None) -> bool:
    for state in record.outputs:
        if state.dataset != dataset:
            continue
        hashes = [state.content_hash, *state.parts.values()]
        if version is None or state.version == version or any(value.startswith(version) for value in hashes):
            return True
    return False


def _read(path: Path) -> NodeRecord | None:
    """Read a record; one of an older form says nothing any more."""
    try:
        return NodeRecord.model_validate_json(path.read_bytes())
    except ValidationError:
        return None
