"""Lineage for people: first an answer in words, then the steps as a tree."""

import re
import textwrap
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from mining_the_mines.ledger.lineage import MAPS, SHORT, Kind, Lineage, Presence, Step
from mining_the_mines.ledger.lineage_evidence import Image, Images, Raster
from mining_the_mines.ledger.lineage_models import Model
from mining_the_mines.ledger.lineage_summary import Answer, RawInput
from mining_the_mines.ledger.records import CodeState, Environment, NodeRecord
from mining_the_mines.mapping.scene_map import MapRecord

#: Columns of the text, and of the words before each paragraph.
_WIDTH: Final = 100
_MARGIN: Final = 9
_INDENT: Final = " " * _MARGIN
#: More images than these are counted and not listed.
_LISTED: Final = 60
_PACKAGE: Final = "mining_the_mines."
#: Where a step came from that no node has made.
_KINDS: Final[dict[Kind, str]] = {
    "unrecorded": "no record says how it was made", "not given": "none given",
    "not counted": "nothing depends on what it says",
}  # fmt: skip
#: The same of raw inputs, where the whole is told beside its parts.
_RAW: Final[dict[Kind, str]] = {"part of": "part of the raw data"}
#: Kedro's name of a session.
_SESSION: Final = re.compile(r"\d{4}-\d\d-\d\dT")
#: What is said of a step that does not lie where it did, as it was.
_NOW: Final[dict[Presence, str]] = {
    "as recorded": "", "changed": "changed since", "gone": "gone since", "in memory": "in memory", "not given": "none",
}  # fmt: skip


def describe(lineage: Lineage, answer: Answer) -> str:
    """Answer in words which images, which model and which code stand behind something.

    Args:
        lineage: Of it.
        answer: What was gathered.

    Returns:
        Lines of up to 100 columns; addresses may be longer.
    """
    making = lineage.root.writer
    lines = [_title(lineage, answer), "", *_paragraph("Lies in", _place(lineage.root, lineage.part))]
    if making is not None:
        lines += _paragraph("Made", _made(making))
    if answer.images is not None:
        lines += _paragraph("Images", _images(answer.images)) + _listed(answer.images, lineage)
    for model in answer.models:
        lines += _paragraph("Model", _model(model, answer.map))
    if answer.raw_inputs:
        lines += _paragraph("Inputs", f"{'; '.join(map(_raw, answer.raw_inputs))}.")
    if making is not None:
        lines += _paragraph("Code", _code(making, lineage))
        lines += _paragraph("Again", f"kedro reproduce {making.run_id}")
    return "\n".join([*lines, *_paragraph("Doubts", _doubts(lineage, answer))])


def draw(lineage: Lineage, depth: int | None = None) -> Group:
    """Draw the steps back, and the runs that they belong to.

    Args:
        lineage: All steps.
        depth: How many steps back are drawn; ``None`` for all.
    """
    drawing = _Drawing(lineage)
    tree = drawing.tree(depth)
    runs: dict[str, NodeRecord] = {}
    for step in lineage.steps.values():
        if step.writer is not None and step.name in drawing.shown:
            newest = runs.setdefault(step.writer.run_id, step.writer)
            runs[step.writer.run_id] = max(newest, step.writer, key=lambda record: record.finished)
    ordered = sorted(runs.values(), key=lambda record: record.finished, reverse=True)
    told = Text("Runs; the first made all steps, except where another is named." if len(ordered) > 1 else "Run")
    return Group(Text("Step by step"), tree, Text(), told, *(Text(_run(record)) for record in ordered))


class _Drawing:
    """A tree in which each step is told of once."""

    def __init__(self, lineage: Lineage) -> None:
        self.shown: set[str] = set()
        self._lineage = lineage
        writer = lineage.root.writer
        self._usual_run = None if writer is None else writer.run_id

    def tree(self, depth: int | None) -> Tree:
        root = self._lineage.root
        tree = Tree(self._label(root, self._lineage.part))
        self._grow(tree, root, depth)
        return tree

    def _grow(self, branch: Tree, step: Step, depth: int | None) -> None:
        self.shown.add(step.name)
        if depth == 0:
            if step.sources:
                branch.add(Text("…"))
            return
        for name in step.sources:
            source = self._lineage.steps[name]
            if step.kind == "part of" and name in self.shown:
                continue
            if name in self.shown:
                branch.add(Text(f"{name} (above)" if source.sources else name))
            else:
                self._grow(branch.add(self._label(source)), source, None if depth is None else depth - 1)

    def _label(self, step: Step, part: str | None = None) -> Text:
        if step.kind in {"not given", "not counted"}:
            return Text(f"{step.state.dataset}: {_KINDS[step.kind]}")
        text = Text(f"{_asked_by(step, part)}  ", style="bold").append(_place(step), style="not bold")
        return text.append(f"\n{self._origin(step)}", style="not bold dim")

    def _origin(self, step: Step) -> str:
        made = step.writer
        if made is None and step.state.registered is not None:
            return f"registered as {step.state.registered}"
        if made is None:
            return " ".join((_KINDS.get(step.kind, step.kind), *step.sources))
        module, _, function = made.function.removeprefix(_PACKAGE).partition(":")
        called = "" if made.node.rpartition(".")[2] == function else f", {function}"
        run = "" if made.run_id == self._usual_run else f", run {_short(made.run_id)}"
        taken = ", ".join(sorted(name.removeprefix("params:") for name in made.parameters))
        return f"by {made.node}{called} in {module}{run}{'; takes ' if taken else ''}{taken}"


def _title(lineage: Lineage, answer: Answer) -> str:
    step, found = lineage.root, answer.map
    name = _asked_by(step, lineage.part)
    if found is None:
        return name if lineage.part is None else f"{name}, {lineage.part}"
    mines = "1 mine" if found.mines == 1 else f"{found.mines} mines"
    return f"{name}, the map of {lineage.part}: {mines}, {found.hectares:.1f} hectares"


def _asked_by(step: Step, part: str | None) -> str:
    """The name that it can be asked for by again."""
    return step.name if part is None else f"{step.state.dataset}:{step.state.parts[part][:SHORT]}"


def _made(making: NodeRecord) -> str:
    return f"{_when(making.finished)} by the step {making.node} of run {_short(making.run_id)}."


def _images(images: Images) -> str:
    said = [] if images.raster is None else [_raster(images.raster, listed=bool(images.scenes))]
    if images.scenes:
        regions = list(dict.fromkeys(image.region for image in images.scenes))
        days = sorted(image.moment[:10] for image in images.scenes)
        collections = ", ".join(dict.fromkeys(image.collection for image in images.scenes if image.collection))
        said.append(
            f"{_count(len(images.scenes), 'scene')} of {collections or 'an archive'} from {days[0]} to {days[-1]}"
            + (f" for {', '.join(regions)}" if images.raster is None else "")
            + (f"; listed in {images.listed_in}." if images.listed_in else ".")
        )
    if images.simulated:
        said.append("They are simulated: no satellite has taken them.")
    return " ".join([*said, images.remark]).strip()


def _raster(raster: Raster, *, listed: bool) -> str:
    held = f"SHA-256 {raster.content_hash[:SHORT]}" if raster.content_hash else ""
    since = "gone since" if raster.path in raster.gone else "changed since" if raster.path in raster.changed else ""
    known = ", ".join(filter(None, (held, since))) or "no record tells what it held"
    given = "" if raster.source.endswith(raster.path) else f", given as {raster.source}"
    made = raster.composite
    how = f", the {made.method} of cloudless pixels, composite {made.content_hash[:SHORT]}" if made else ""
    days = f", images of {', '.join(map(str, raster.dates))}" if raster.dates and not listed else ""
    faults = {fault.item for fault in made.faults} if made else set()
    lacking = f" {_count(len(faults), 'scene')} could not be read everywhere." if faults else ""
    return f"The map was drawn from {raster.path} ({known}{given}{how}{days}).{lacking}"


def _listed(images: Images, lineage: Lineage) -> list[str]:
    """A line for each image and one for its address, where they are few or all of one region."""
    if lineage.part is None or len(images.scenes) > _LISTED:
        return []
    return [line for image in images.scenes for line in _image(image)]


def _image(image: Image) -> Iterator[str]:
    cloud = "" if image.cloud_cover is None else f"cloud {image.cloud_cover:.0f} %"
    facts = (image.moment.replace("T", " ").removesuffix("Z"), image.platform, cloud, f"baseline {image.baseline}")
    yield f"{_INDENT}{image.item}"
    yield f"{_INDENT}  {', '.join(fact for fact in facts if fact)}"
    yield f"{_INDENT}  {image.address}"


def _model(model: Model, found: MapRecord | None) -> str:
    known = model.registered
    if known is None and found is not None:
        known = f"{found.facts.model} {found.facts.model_version}"
    name = ", ".join(filter(None, (known, model.dataset, None if known else model.version)))
    said = [f"{name} ({model.path or 'in memory'}{_mark(model.now)})."]
    if model.registered:
        by = f" by run {_short(model.registered_by)}" if model.registered_by else ""
        said.append(f"It was read from the registry, where it was put{by}.")
    if model.threshold is not None:
        said.append(f"Threshold of probability {model.threshold:.4g}.")
    if found is not None:
        said.append(
            f"Polygons are drawn around pixels of {found.grow:.4g} or more, where one has {found.seed:.4g} or more."
        )
    if model.trained_in:
        said.append(f"Trained in run {', '.join(map(_short, model.trained_in))}.")
    if model.learned_from:
        regions = ", ".join(f"{region} {number}" for region, number in model.learned_from.items())
        said.append(f"Learned from {_count(sum(model.learned_from.values()), 'chip')} ({regions}).")
    if model.chips:
        scenes = "" if model.scenes is None else f", cut from composites of {_count(model.scenes, 'scene')}"
        said.append(f"Its chips are {model.chips}{scenes}.")
    return " ".join(said)


def _raw(given: RawInput) -> str:
    kind = _RAW.get(given.kind, given.kind)
    return f"{given.dataset} ({kind}, {given.path or 'in memory'}{_mark(given.now)})"


def _code(making: NodeRecord, lineage: Lineage) -> str:
    others = {
        step.writer.code.package_hash
        for step in lineage.steps.values()
        if step.writer is not None and step.writer.code.package_hash != making.code.package_hash
    }
    more = "" if not others else (
        f" Steps before it were made with {_count(len(others), 'other state')} of the code: see the runs below."
    )  # fmt: skip
    kept = "; the run keeps them as provenance/working_tree.diff" if making.code.dirty else ""
    return (
        f"{_commit(making.code)}{kept}; package {making.code.package_hash[:SHORT]}; function {making.function}; "
        f"packages as in the lock file {_lock(making.environment)}, Python {making.environment.python}.{more}"
    )


def _commit(code: CodeState) -> str:
    changed = f" with uncommitted changes ({(code.diff_hash or 'unknown')[:SHORT]})" if code.dirty else ""
    return f"commit {code.commit[:SHORT]}{changed}"


def _lock(environment: Environment) -> str:
    return (environment.lock_hash or "unknown")[:SHORT]


def _doubts(lineage: Lineage, answer: Answer) -> str:
    steps = lineage.steps.values()
    said = [step.remark for step in steps if step.remark]
    if answer.map is None and lineage.part is not None and lineage.root.state.dataset == MAPS:
        said.append(f"The folder of the map of {lineage.part} holds another map today, or none.")
    for now, words in (("changed", "is not what it was then"), ("gone", "is gone")):
        names = [_asked_by(step, lineage.part if step == lineage.root else None) for step in steps if step.now == now]
        if names:
            said.append(f"What lies there today {words}: {', '.join(names)}.")
    if answer.images is not None and answer.images.raster is not None:
        said += _doubts_of(answer.images.raster)
    return " ".join(said) or "none: all files that it was made from lie where they did, unchanged."


def _doubts_of(raster: Raster) -> Iterator[str]:
    if raster.changed:
        yield f"What was mapped holds something else today: {', '.join(raster.changed)}."
    if raster.gone:
        yield f"What was mapped is gone: {', '.join(raster.gone)}."
    if raster.content_hash is None and raster.composite is None:  # a composite has a hash of its own
        yield f"The map is older than records of what was mapped: nothing tells what {raster.path} held then."


def _place(step: Step, part: str | None = None) -> str:
    """Where it lies; a version's folder and file bear the names of the dataset's file, so it is told once."""
    state = step.state
    if state.path is None:
        return "in memory"
    twice = f"/{state.version}/{PurePosixPath(state.path).name}"
    path = state.path.removesuffix(twice) if state.version else state.path
    folder = f"/{part}" if part is not None and state.dataset == MAPS else ""
    return ", ".join(filter(None, (f"{path}{folder}", state.version, _NOW[step.now])))


def _run(record: NodeRecord) -> str:
    environment = record.environment
    return (
        f"{_short(record.run_id)}  {_when(record.finished)}, {_commit(record.code)}\n"
        f"{' ' * SHORT}  package {record.code.package_hash[:SHORT]}, lock file {_lock(environment)}, "
        f"Python {environment.python}, {environment.device}"
    )


def _short(run_id: str) -> str:
    """The first digits of a run's id; a run that was not tracked is called by the time of its session."""
    return run_id if _SESSION.match(run_id) else run_id[:SHORT]


def _mark(now: Presence) -> str:
    return f", {_NOW[now]}" if now in {"changed", "gone"} else ""


def _when(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _paragraph(word: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=word.ljust(_MARGIN), subsequent_indent=_INDENT,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
