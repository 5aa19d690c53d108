"""What somebody asks the lineage of: a dataset, a version or hash of it, or a file."""

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from mining_the_mines.ledger.lineage import SHORT, LineageError
from mining_the_mines.ledger.records import DatasetState, NodeRecord
from mining_the_mines.ledger.store import Ledger

#: Names and versions that an error lists.
_LISTED: Final = 5


@dataclass(frozen=True)
class Subject:
    """What was asked for.

    Attributes:
        state: The dataset as it was written; if nobody wrote it, as it was read.
        part: What in it was meant, such as the map of one scene; ``None`` for all of it.
        reader: If nobody wrote it, the node that read it.
    """

    state: DatasetState
    part: str | None = None
    reader: NodeRecord | None = None


def find_subject(asked: str, ledger: Ledger, project: Path) -> Subject:
    """Find what somebody asks for.

    Args:
        asked: ``DATASET`` for what was written last; ``DATASET:VERSION``; ``DATASET:HASH`` with the first digits of
            the hash of what it holds or of a part, such as a polygon's ``origin``; or the path of a file.
        ledger: Records of all nodes.
        project: Folder that recorded paths are relative to.

    Returns:
        What is meant.

    Raises:
        LineageError: If no record knows it.
    """
    if not ledger.nodes:
        raise LineageError(
            f"{ledger.folder} holds no records, so nothing can be traced here: copy it from where the file was made, "
            "or make the file again with kedro run, which keeps one."
        )
    dataset, _, wanted = asked.partition(":")
    known = {subject.state.dataset for subject in _subjects(ledger)}
    if dataset in known:
        return _of_dataset(dataset, wanted, ledger)
    if os.sep in asked or "/" in asked or Path(asked).exists():
        return _of_path(Path(asked), ledger, project)
    near = difflib.get_close_matches(dataset, sorted(known), _LISTED, cutoff=0.3) or sorted(known)[:_LISTED]
    raise LineageError(
        f"No record knows a dataset {dataset}: name another one, such as {', '.join(near)}, or the path of a file."
    )


def _of_dataset(dataset: str, wanted: str, ledger: Ledger) -> Subject:
    states = [subject for subject in _subjects(ledger) if subject.state.dataset == dataset]
    for subject in states:
        if not wanted or subject.state.version == wanted or subject.state.content_hash.startswith(wanted):
            return subject
        for part, content_hash in subject.state.parts.items():
            if content_hash.startswith(wanted):
                return Subject(subject.state, part, subject.reader)
    there = dict.fromkeys(subject.state.version or subject.state.content_hash[:SHORT] for subject in states)
    listed = ", ".join(list(there)[:_LISTED])
    raise LineageError(f"No record knows {dataset}:{wanted}: name a version or a hash that is there, such as {listed}.")


def _of_path(path: Path, ledger: Ledger, project: Path) -> Subject:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links stay, since records don't follow them either
    named = absolute.relative_to(project).as_posix() if absolute.is_relative_to(project) else str(absolute)
    found = max(
        (subject for subject in _subjects(ledger) if _lies_in(named, subject.state)),
        key=lambda subject: (min(len(subject.state.path or ""), len(named)), _part(named, subject.state) is not None),
        default=None,  # of equals, the first: the newest
    )
    if found is not None:
        return Subject(found.state, _part(named, found.state), found.reader)
    raise LineageError(
        f"No record tells how {path} was made: name a file that a run of this project has left below data/, or ask by "
        "the attribute origin of a polygon in it."
    )


def _subjects(ledger: Ledger) -> Iterator[Subject]:
    """All that was written, the newest first; then all that was only read."""
    written = set()
    for record in ledger.nodes:
        for state in record.outputs:
            written.add((state.dataset, state.content_hash))
            yield Subject(state)
    for record in ledger.nodes:
        for state in record.inputs:
            if (state.dataset, state.content_hash) not in written:
                yield Subject(state, reader=record)


def _lies_in(named: str, state: DatasetState) -> bool:
    """Whether a path is that of a dataset, of something in it, or of all of its versions."""
    if state.path is None:
        return False
    place = PurePosixPath(state.path)
    versions = (str(place.parent), str(place.parent.parent)) if state.version else ()
    return named in (state.path, *versions) or PurePosixPath(named).is_relative_to(place)


def _part(named: str, state: DatasetState) -> str | None:
    """The part of a dataset that a file in it belongs to: its name, with or without an ending, stands in the path."""
    if state.path is None or not PurePosixPath(named).is_relative_to(state.path):
        return None
    names = PurePosixPath(named).relative_to(state.path).parts
    return next(
        (part for part in state.parts if any(name == part or name.startswith(f"{part}.") for name in names)), None
    )
