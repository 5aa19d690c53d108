"""Lineage: the steps from any result of a run back to the data that people or archives provided."""

import difflib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, Protocol

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import NOTHING, hash_bytes
from mining_the_mines.ledger.catalog_facts import Content, DatasetFacts
from mining_the_mines.ledger.records import DatasetState, Ledger, NodeRecord

#: Digits of a hash in messages; enough to ask for the dataset.
SHORT: Final = 12
#: Content of a JSON file with an empty object: the settings of a simulation that did not take place.
_NO_SIMULATION: Final = hash_bytes(b"{}")
#: Names and versions that an error lists.
_LISTED: Final = 5

Kind = Literal["made", "part of", "simulated", "provided", "registered", "not given", "volatile", "unrecorded"]
Presence = Literal["as recorded", "changed", "gone", "unchecked", "in memory", "not given"]


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


@dataclass(frozen=True)
class Step:
    """A dataset as a node read or wrote it.

    Attributes:
        state: The dataset then.
        facts: Facts that the catalog states about it today.
        kind: ``made`` by a node; ``part of`` another dataset's folder; ``simulated``, by a node or by an older version;
            ``provided`` by people or an archive; a ``registered`` model that no recorded node made; ``not given`` if it
            is an optional file; ``volatile`` if no result depends on it; ``unrecorded`` if a node must have made it
            without a record.
        writer: The node that made it.
        sources: Names of the steps that it was made from.
        now: State of its path today.
        remark: Fault of the records, as a sentence; empty if there is none.
    """

    state: DatasetState
    facts: DatasetFacts
    kind: Kind
    writer: NodeRecord | None
    sources: tuple[str, ...]
    now: Presence
    remark: str

    @property
    def name(self) -> str:
        """``DATASET:HASH``, which ``kedro lineage`` takes."""
        return name_of(self.state)


@dataclass(frozen=True)
class Lineage:
    """All steps behind a dataset.

    Attributes:
        steps: Steps by name, each once; the dataset that was asked for is the first.
        part: Part of it that was asked for, such as the map of one scene.
    """

    steps: dict[str, Step]
    part: str | None

    @property
    def root(self) -> Step:
        """The dataset that was asked for."""
        return next(iter(self.steps.values()))

    def before(self, step: Step) -> Iterator[Step]:
        """All steps behind a step, each once, the nearest first."""
        waiting, seen = list(step.sources), set(step.sources)
        while waiting:
            source = self.steps[waiting.pop(0)]
            yield source
            waiting += [name for name in source.sources if name not in seen]
            seen.update(source.sources)

    def is_simulated(self, step: Step) -> bool:
        """Whether a step is, or stands on, a simulation."""
        return any(found.kind == "simulated" for found in (step, *self.before(step)))

    def nearest(self, content: Content, step: Step | None = None) -> Step | None:
        """The nearest step with some content, among a step (by default the root) and the steps behind it."""
        first = step or self.root
        return next((found for found in (first, *self.before(first)) if found.facts.holds == content), None)

    def raw_inputs(self, step: Step) -> tuple[Step, ...]:
        """Steps behind a step that no node made."""
        return tuple(source for source in (step, *self.before(step)) if self._is_raw(source))

    def up_to(self, depth: int) -> "Lineage":
        """The steps up to a number of steps back."""
        kept = {self.root.name}
        for _ in range(depth):
            kept |= {source for name in kept for source in self.steps[name].sources}
        return Lineage({name: step for name, step in self.steps.items() if name in kept}, self.part)

    def _is_raw(self, step: Step) -> bool:
        if step.kind == "part of":
            return all(self._is_raw(self.steps[name]) for name in step.sources)
        return step.kind in {"provided", "registered", "simulated"}


class Catalog(Protocol):
    """The project today."""

    def now(self, state: DatasetState, run_id: str) -> DatasetState | None:
        """Return the state of a dataset's path today.

        Args:
            state: The dataset then.
            run_id: A run that read or wrote it.

        Returns:
            ``None`` if nothing lies there; no content hash if an older version recorded another form.
        """
        ...

    def facts(self, dataset: str) -> DatasetFacts:
        """Return the facts about a dataset."""
        ...

    def made(self, run_id: str) -> Collection[str]:
        """Return the names of the datasets that nodes make in the pipelines of a run."""
        ...

    def read_record(self, state: DatasetState, part: str) -> dict[str, Any] | None:
        """Read the JSON record of a part of a dataset; ``None`` if its files are gone."""
        ...


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


def trace(subject: Subject, ledger: Ledger, catalog: Catalog) -> Lineage:
    """Follow a dataset back.

    Args:
        subject: The dataset, and a part of it if only that is asked for.
        ledger: Records of all nodes.
        catalog: Paths and facts of the project today.

    Returns:
        All steps behind it. A source is never newer than what was made from it, so this ends.
    """
    tracer = _Tracer(ledger, catalog, subject.part)
    tracer.follow(subject.state, subject.reader)
    return Lineage(tracer.steps, subject.part)


def name_of(state: DatasetState) -> str:
    """``DATASET:HASH`` with the first digits of the content hash."""
    return f"{state.dataset}:{state.content_hash[:SHORT]}"


class _Tracer:
    def __init__(self, ledger: Ledger, catalog: Catalog, part: str | None) -> None:
        self.steps: dict[str, Step] = {}
        self._records = ledger.nodes
        self._catalog = catalog
        self._part = part

    def follow(self, state: DatasetState, reader: NodeRecord | None) -> str:
        name = name_of(state)
        if name in self.steps:
            return name
        facts = self._catalog.facts(state.dataset)
        writer = self._writer(state, reader)
        known = writer or reader
        now = self._look(state, facts, known.run_id if known else "", None if self.steps else self._part)
        # Holds the place until the sources are known, so that no step becomes its own ancestor.
        self.steps[name] = Step(state, facts, "unrecorded", None, (), now, "")
        if writer is not None:
            sources = tuple(self.follow(read, writer) for read in writer.inputs)
            kind: Kind = "simulated" if _is_simulation(state, facts) else "made"
            self.steps[name] = Step(state, facts, kind, writer, sources, now, _edited(state, writer))
            return name
        whole, its_reader = self._simulation(state, reader) or self._whole(state, reader)
        if whole is not None:
            sources = (self.follow(whole, its_reader),)
            self.steps[name] = Step(state, facts, "part of", None, sources, now, "")
            return name
        kind = self._kind_of_source(state, facts, reader)
        remark = f"No record says how {state.dataset} was made." if kind == "unrecorded" else ""
        self.steps[name] = Step(state, facts, kind, None, (), now, remark)
        return name

    def _writer(self, state: DatasetState, reader: NodeRecord | None) -> NodeRecord | None:
        """The node that wrote this content; else the last one that wrote to the same path before it was read.

        A registered model has no path of its own here: only a node that wrote the same content has made it.
        """
        written = [
            (record, output)
            for record in self._earlier(reader)
            for output in record.outputs
            if output.dataset == state.dataset
        ]
        alike = [(record, output) for record, output in written if output.content_hash == state.content_hash]
        same_place = [pair for pair in alike if _place(pair[1]) == _place(state)]
        has_place = state.path is not None and state.registered is None
        there = [pair for pair in written if has_place and _place(pair[1]) == _place(state)]
        return next((record for record, _ in (*same_place, *alike, *there)), None)

    def _whole(
        self, state: DatasetState, reader: NodeRecord | None
    ) -> tuple[DatasetState, NodeRecord | None] | tuple[None, None]:
        """The dataset whose folder contains this one, as a node wrote or read it, and its reader."""
        if state.path is None or state.registered is not None:
            return None, None
        folders = {str(parent) for parent in PurePosixPath(state.path).parents} - {".", "/"}
        earlier = list(self._earlier(reader))
        written = ((output, reader) for record in earlier for output in record.outputs)
        read = ((source, record) for record in earlier for source in record.inputs)
        holding = (pair for pair in (*written, *read) if pair[0].path in folders and pair[0].content_hash != NOTHING)
        return max(holding, key=lambda pair: len(pair[0].path or ""), default=(None, None))

    def _kind_of_source(self, state: DatasetState, facts: DatasetFacts, reader: NodeRecord | None) -> Kind:
        if state.registered is not None:
            return "registered"
        if facts.volatile:
            return "volatile"
        if state.content_hash == NOTHING:
            return "not given"
        if _is_simulation(state, facts):
            return "simulated"
        is_made = state.dataset in self._catalog.made(reader.run_id if reader is not None else "")
        return "unrecorded" if is_made else "provided"

    def _simulation(
        self, state: DatasetState, reader: NodeRecord | None
    ) -> tuple[DatasetState, NodeRecord | None] | None:
        """The simulation whose node filled the work folder that contains a file."""
        if state.path is None or state.registered is not None:
            return None
        for record in self._earlier(reader):
            folders = (source.path for source in record.inputs if source.content_hash == NOTHING and source.path)
            if any(PurePosixPath(state.path).is_relative_to(folder) for folder in folders):
                for output in record.outputs:
                    if _is_simulation(output, self._catalog.facts(output.dataset)):
                        return output, None
        return None

    def _earlier(self, reader: NodeRecord | None) -> Iterator[NodeRecord]:
        if reader is None:
            yield from self._records
            return
        end = datetime.fromisoformat(reader.finished)
        for record in self._records:
            if record != reader and datetime.fromisoformat(record.finished) <= end:
                yield record

    def _look(self, state: DatasetState, facts: DatasetFacts, run_id: str, part: str | None) -> Presence:
        if state.path is None:
            return "not given" if state.content_hash == NOTHING else "in memory"
        there = self._catalog.now(state, run_id)
        if there is None:
            return "not given" if state.content_hash == NOTHING else "gone"
        if not there.content_hash:
            return "unchecked"
        if part is not None:
            return "as recorded" if there.parts.get(part) == state.parts.get(part) else "changed"
        # A later run may have added maps of other scenes beside those of this one.
        has_all = facts.holds == "maps" and state.parts and state.parts.items() <= there.parts.items()
        return "as recorded" if has_all or there.content_hash == state.content_hash else "changed"


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


def _place(state: DatasetState) -> tuple[str | None, str | None]:
    return state.version, state.path


def _is_simulation(state: DatasetState, facts: DatasetFacts) -> bool:
    return facts.holds == "simulation" and state.content_hash != _NO_SIMULATION


def _edited(state: DatasetState, writer: NodeRecord) -> str:
    if any(output.dataset == state.dataset and output.content_hash == state.content_hash for output in writer.outputs):
        return ""
    return (
        f"{state.dataset} was changed between {writer.node}, which wrote it, and the node that read it; no record says "
        "how."
    )
