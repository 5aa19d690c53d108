"""Lineage: the steps from any result of a run back to the data that people or archives provided."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final, Literal, Protocol

from mining_the_mines.core.hashing import NOTHING, hash_bytes
from mining_the_mines.ledger.catalog_facts import Content, DatasetFacts
from mining_the_mines.ledger.lineage_subject import SHORT, Subject
from mining_the_mines.ledger.records import DatasetState, Ledger, NodeRecord

#: Content of a JSON file with an empty object: the settings of a simulation that did not take place.
_NO_SIMULATION: Final = hash_bytes(b"{}")
Kind = Literal["made", "part of", "simulated", "provided", "registered", "not given", "volatile", "unrecorded"]
Presence = Literal["as recorded", "changed", "gone", "unchecked", "in memory", "not given"]


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
