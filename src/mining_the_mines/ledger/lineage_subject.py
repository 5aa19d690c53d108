"""The dataset that lineage is asked for, by its name, version, hash, or path."""

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import NOTHING
from mining_the_mines.ledger.records import DatasetState, Ledger, NodeRecord

#: Digits of a hash in messages; enough to ask for the dataset.
SHORT: Final = 12
#: Names and versions that an error lists.
_LISTED: Final = 5


class LineageError(BadInputError):
    """The records do not contain what was asked for."""


@dataclass(frozen=True)
class Subject:
    """The dataset that lineage is asked for.

    Attributes:
        state: The dataset as a node wrote it, or read it if none wrote it.
        part: Name of a part of it, such as the map of one scene; ``None`` for the whole.
        reader: The node that read it, if none wrote it.
    """

    state: DatasetState
    part: str | None = None
    reader: NodeRecord | None = None


def find_subject(asked: str, ledger: Ledger, project: Path) -> Subject:
    """Find the dataset that lineage is asked for.

    Args:
        asked: ``DATASET`` for the newest; ``DATASET:VERSION``; ``DATASET:HASH`` with the first digits of the content
            hash of the dataset or of a part, such as a polygon's ``lineage_id``; or the path of a file or folder.
        ledger: Records of all nodes.
        project: Folder that recorded paths are relative to.

    Raises:
        LineageError: No record contains it.
    """
    subjects = list(_subjects(ledger))
    if not subjects:
        raise LineageError(
            f"{ledger.folder} has no records that this version can read, so nothing can be traced: copy the ledger "
            "from where the file was made, or make the file again with kedro run."
        )
    dataset, _, wanted = asked.partition(":")
    known = {subject.state.dataset for subject in subjects}
    if dataset in known:
        return _of_dataset(dataset, wanted, [subject for subject in subjects if subject.state.dataset == dataset])
    if os.sep in asked or "/" in asked or Path(asked).exists():
        return _of_path(Path(asked), subjects, project)
    near = difflib.get_close_matches(dataset, sorted(known), _LISTED, cutoff=0.3) or sorted(known)[:_LISTED]
    raise LineageError(
        f"No record contains a dataset {dataset}: name another one, such as {', '.join(near)}, or the path of a file."
    )


def _of_dataset(dataset: str, wanted: str, subjects: list[Subject]) -> Subject:
    for subject in subjects:
        if not wanted or subject.state.version == wanted or subject.state.content_hash.startswith(wanted):
            return subject
        for part, content_hash in subject.state.parts.items():
            if content_hash.startswith(wanted):
                return Subject(subject.state, part, subject.reader)
    known = dict.fromkeys(subject.state.version or subject.state.content_hash[:SHORT] for subject in subjects)
    raise LineageError(
        f"No record contains {dataset}:{wanted}: name a version or hash of it, such as "
        f"{', '.join(list(known)[:_LISTED])}."
    )


def _of_path(path: Path, subjects: list[Subject], project: Path) -> Subject:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - records keep symbolic links, so they stay here too
    named = absolute.relative_to(project).as_posix() if absolute.is_relative_to(project) else str(absolute)
    found = max(
        (subject for subject in subjects if _contains(subject.state, named)),
        key=lambda subject: (min(len(subject.state.path or ""), len(named)), _part(named, subject.state) is not None),
        default=None,  # of equals the first, which is the newest
    )
    if found is None:
        raise LineageError(
            f"No record says how {path} was made: name a file that a run of this project wrote below data/, or ask by "
            "the attribute lineage_id of a polygon in it."
        )
    return Subject(found.state, _part(named, found.state), found.reader)


def _subjects(ledger: Ledger) -> Iterator[Subject]:
    """All datasets that nodes wrote, the newest first; then those that they only read."""
    written = set()
    for record in ledger.nodes:
        for state in record.outputs:
            written.add((state.dataset, state.content_hash))
            yield Subject(state)
    for record in ledger.nodes:
        for state in record.inputs:
            if (state.dataset, state.content_hash) not in written:
                yield Subject(state, reader=record)


def _contains(state: DatasetState, named: str) -> bool:
    """Whether a path is that of a dataset, of a file in it, of its version, or of the folder of its versions.

    A file beside an index belongs to it if a part of the index stands in its path.
    """
    if state.path is None:
        return False
    place = PurePosixPath(state.path)
    versions = (str(place.parent), str(place.parent.parent)) if state.version else ()
    is_inside = PurePosixPath(named).is_relative_to(place) and state.content_hash != NOTHING
    return named in (state.path, *versions) or is_inside or _part(named, state) is not None


def _part(named: str, state: DatasetState) -> str | None:
    """The part whose name, with or without suffixes, occurs in a path in or beside a dataset."""
    if state.path is None or not state.parts:
        return None
    place = PurePosixPath(state.path)
    folder = place if PurePosixPath(named).is_relative_to(place) else place.parent
    if not PurePosixPath(named).is_relative_to(folder):
        return None
    names = PurePosixPath(named).relative_to(folder).parts
    return next(
        (part for part in state.parts if any(name == part or name.startswith(f"{part}.") for name in names)), None
    )
