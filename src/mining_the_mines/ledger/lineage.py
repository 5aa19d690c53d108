"""From anything that a run has left, step by step back to what was handed over."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final, Literal

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import NOTHING
from mining_the_mines.ledger.records import DatasetState, NodeRecord
from mining_the_mines.ledger.store import Ledger

#: Complete models, and the task that each belongs to.
MODELS: Final = {"segmentation.segmenter": "segmentation", "classification.classifier": "classification"}
#: Maps of scenes, each a part.
MAPS: Final = "scene_maps"
#: Digits of a hash that people are shown; enough to ask for what it is of.
SHORT: Final = 12

#: An archive that makes itself when it is asked for.
_SIMULATED: Final = "simulated_series"
#: Work that training keeps from one run to the next: what is made does not depend on it.
_WORKSPACE: Final = ".workspace"

Kind = Literal[
    "made", "part of", "simulated", "handed over", "registered", "checkpoints", "not given", "not counted", "unrecorded"
]
Presence = Literal["as recorded", "changed", "gone", "in memory", "not given"]


class LineageError(BadInputError):
    """What was asked for is not in the records."""


@dataclass(frozen=True)
class Step:
    """A dataset as somebody read or wrote it.

    Attributes:
        state: What it held.
        kind: ``made`` by a node; ``part of`` another dataset's folder; ``simulated``; ``handed over`` by people; a
            ``registered`` model that no node has made here; ``checkpoints`` of training, which change nothing; ``not
            given`` where nobody named a file; ``not counted`` if nothing depends on it, such as the time of a run;
            ``unrecorded`` if a node must have made it, but no record says so.
        writer: The node that made it.
        sources: Names of the steps that it was made from.
        now: What lies in its place today.
        remark: What is wrong with the record, as a sentence; empty if nothing is.
    """

    state: DatasetState
    kind: Kind
    writer: NodeRecord | None
    sources: tuple[str, ...]
    now: Presence
    remark: str

    @property
    def name(self) -> str:
        """``DATASET:HASH``, by which it can be asked for."""
        return name_of(self.state)


@dataclass(frozen=True)
class Lineage:
    """All that something stands on.

    Attributes:
        steps: By name, the one that was asked for first; each once, however many were made from it.
        part: What in it was asked for, such as the map of one scene.
    """

    steps: dict[str, Step]
    part: str | None

    @property
    def root(self) -> Step:
        """What was asked for."""
        return next(iter(self.steps.values()))

    def before(self, step: Step) -> Iterator[Step]:
        """All that a step stands on, each once, what is nearest first."""
        waiting, seen = list(step.sources), set(step.sources)
        while waiting:
            source = self.steps[waiting.pop(0)]
            yield source
            waiting += [name for name in source.sources if name not in seen]
            seen.update(source.sources)

    def nearest(self, dataset: str, step: Step | None = None) -> Step | None:
        """The nearest step of a dataset that another one stands on, by default the one that was asked for."""
        first = step or self.root
        return next((found for found in (first, *self.before(first)) if found.state.dataset == dataset), None)

    def raw_inputs(self, step: Step) -> tuple[Step, ...]:
        """What a step stands on that no node has made."""
        return tuple(source for source in (step, *self.before(step)) if self._is_raw(source))

    def _is_raw(self, step: Step) -> bool:
        if step.kind == "part of":
            return all(self._is_raw(self.steps[name]) for name in step.sources)
        return step.kind in {"handed over", "registered", "simulated"}

    def up_to(self, depth: int) -> "Lineage":
        """Only so many steps back."""
        kept = {self.root.name}
        for _ in range(depth):
            kept |= {source for name in kept for source in self.steps[name].sources}
        return Lineage({name: step for name, step in self.steps.items() if name in kept}, self.part)


@dataclass(frozen=True)
class Witnesses:
    """Who is asked beside the ledger.

    Attributes:
        now: Tells what lies today where a dataset lay; ``None`` if nothing does.
        made_by_nodes: Tells which datasets nodes make in a project such as that of a run.
    """

    now: Callable[[DatasetState], DatasetState | None]
    made_by_nodes: Callable[[str], Collection[str]]


def trace(
    state: DatasetState, ledger: Ledger, witnesses: Witnesses, part: str | None = None, reader: NodeRecord | None = None
) -> Lineage:
    """Follow a dataset back.

    Args:
        state: What it held.
        ledger: Records of all nodes.
        witnesses: Of the disk, and of the pipelines.
        part: What in it is asked for.
        reader: A node that has read it, if no record tells who wrote it.

    Returns:
        All that it stands on. A step back is never later than what was made from it, so it ends.
    """
    tracer = _Tracer(ledger, witnesses, part)
    tracer.follow(state, reader)
    return Lineage(tracer.steps, part)


def name_of(state: DatasetState) -> str:
    """The dataset, and the first digits of the hash of what it held."""
    return f"{state.dataset}:{state.content_hash[:SHORT]}"


class _Tracer:
    def __init__(self, ledger: Ledger, witnesses: Witnesses, part: str | None) -> None:
        self.steps: dict[str, Step] = {}
        self._records = ledger.nodes
        self._witnesses = witnesses
        self._part = part

    def follow(self, state: DatasetState, reader: NodeRecord | None) -> str:
        name = name_of(state)
        if name in self.steps:
            return name
        now = self._look(state, part=None if self.steps else self._part)
        # Stands in its place until its sources are known, so that nothing can be its own ancestor.
        self.steps[name] = Step(state, "unrecorded", None, (), now, "")
        writer = self._writer(state, reader)
        if writer is not None:
            sources = tuple(self.follow(read, writer) for read in writer.inputs)
            self.steps[name] = Step(state, "made", writer, sources, now, _difference(state, writer))
            return name
        whole, its_reader = self._whole(state, reader)
        if whole is not None:
            self.steps[name] = Step(state, "part of", None, (self.follow(whole, its_reader),), now, "")
            return name
        kind = self._kind_of_source(state, reader)
        remark = "" if kind != "unrecorded" else f"No record says how {state.dataset} was made."
        self.steps[name] = Step(state, kind, None, (), now, remark)
        return name

    def _writer(self, state: DatasetState, reader: NodeRecord | None) -> NodeRecord | None:
        """Who wrote just that; else who wrote something else in the same place, last before it was read.

        A registered model was written to no place here: only who wrote that very model has made it.
        """
        written = [
            (record, output)
            for record in self._earlier(reader)
            for output in record.outputs
            if output.dataset == state.dataset
        ]
        alike = [(record, output) for record, output in written if output.content_hash == state.content_hash]
        same_place = [pair for pair in alike if _place(pair[1]) == _place(state)]
        placed = state.path is not None and state.registered is None
        there = [pair for pair in written if placed and _place(pair[1]) == _place(state)]
        return next((record for record, _ in (*same_place, *alike, *there)), None)

    def _whole(
        self, state: DatasetState, reader: NodeRecord | None
    ) -> tuple[DatasetState, NodeRecord | None] | tuple[None, None]:
        """The dataset in whose folder this one lies, as a node has written it, or else read it; and who read it."""
        if state.path is None or state.registered is not None:
            return None, None
        folders = {str(parent) for parent in PurePosixPath(state.path).parents} - {".", "/"}
        earlier = list(self._earlier(reader))
        written = ((output, reader) for record in earlier for output in record.outputs)
        read = ((source, record) for record in earlier for source in record.inputs)
        holding = (pair for pair in (*written, *read) if pair[0].path in folders)
        return max(holding, key=lambda pair: len(pair[0].path or ""), default=(None, None))

    def _kind_of_source(self, state: DatasetState, reader: NodeRecord | None) -> Kind:
        if state.registered is not None:
            return "registered"
        if state.dataset == _SIMULATED:
            return "simulated"
        if state.dataset.endswith(_WORKSPACE):
            return "checkpoints"
        if state.content_hash == NOTHING:
            return "not given" if state.path is None else "not counted"
        made = self._witnesses.made_by_nodes(reader.run_id if reader is not None else "")
        return "unrecorded" if state.dataset in made else "handed over"

    def _earlier(self, reader: NodeRecord | None) -> Iterator[NodeRecord]:
        if reader is None:
            yield from self._records
            return
        end = datetime.fromisoformat(reader.finished)
        for record in self._records:
            if record != reader and datetime.fromisoformat(record.finished) <= end:
                yield record

    def _look(self, state: DatasetState, part: str | None) -> Presence:
        if state.path is None:
            return "not given" if state.content_hash == NOTHING else "in memory"
        there = self._witnesses.now(state)
        if there is None:
            return "gone"
        if part is not None:
            return "as recorded" if there.parts.get(part) == state.parts.get(part) else "changed"
        others = state.dataset == MAPS and state.parts and state.parts.items() <= there.parts.items()  # of later runs
        return "as recorded" if others or there.content_hash == state.content_hash else "changed"


def _place(state: DatasetState) -> tuple[str | None, str | None]:
    return state.version, state.path


def _difference(state: DatasetState, writer: NodeRecord) -> str:
    if any(output.dataset == state.dataset and output.content_hash == state.content_hash for output in writer.outputs):
        return ""
    return (
        f"{state.dataset} was changed after {writer.node} had written it and before it was read, and no record says by "
        "what."
    )
