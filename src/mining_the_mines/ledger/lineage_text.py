"""Lineage as text (a summary, then the steps as a tree) and as JSON values."""

import re
import textwrap
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from pydantic import TypeAdapter
from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from mining_the_mines.ledger.lineage import SHORT, Kind, Lineage, Presence, Step
from mining_the_mines.ledger.lineage_summary import Image, Images, MapFacts, Model, Raster, RawInput, Summary
from mining_the_mines.ledger.records import WORKING_TREE, CodeState, NodeRecord

#: Columns of the text, and of the word before each paragraph.
_WIDTH: Final = 100
_MARGIN: Final = 9
_INDENT: Final = " " * _MARGIN
#: Longer lists of images are counted, not listed.
_MAX_LISTED: Final = 60
_PACKAGE: Final = "mining_the_mines."
#: Steps without a writer.
_KINDS: Final[dict[Kind, str]] = {
    "unrecorded": "no record of how it was made", "not given": "none given", "volatile": "no result depends on it",
}  # fmt: skip
#: Raw inputs.
_RAW_KINDS: Final[dict[Kind, str]] = {"part of": "part of the raw data"}
_NOW: Final[dict[Presence, str]] = {
    "as recorded": "", "changed": "changed since", "gone": "gone since", "unchecked": "not checked",
    "in memory": "in memory", "not given": "none",
}  # fmt: skip
#: Faults of files, in the order in which they are reported.
_FAULTS: Final[tuple[tuple[Presence, str], ...]] = (
    ("changed", "Changed since"),
    ("gone", "Gone since"),
    ("unchecked", "Recorded in another form by an older version, so not checked"),
)
#: Kedro's name of a session, which stands for the id of a run that was not tracked.
_SESSION: Final = re.compile(r"\d{4}-\d\d-\d\dT")
_SUMMARY: Final = TypeAdapter(Summary)


def describe(lineage: Lineage, summary: Summary) -> str:
    """Describe images, model, data and code behind a result.

    Args:
        lineage: Lineage of the result.
        summary: Its summary.

    Returns:
        Lines of up to 100 columns; addresses may be longer.
    """
    root, writer = lineage.root, lineage.root.writer
    lines = [_title(lineage, summary.map), "", *_paragraph("Path", _place(root, lineage.part))]
    if writer is not None:
        made = f"{_time(writer.finished)} by the node {writer.node} of run {_short(writer.run_id)}."
        lines += _paragraph("Made", made)
    if summary.images is not None:
        lines += _paragraph("Images", _images(summary.images))
        if lineage.part is not None and len(summary.images.scenes) <= _MAX_LISTED:
            lines += [line for image in summary.images.scenes for line in _image(image)]
    for model in summary.models:
        lines += _paragraph("Model", _model(model, summary.map))
    if summary.raw_inputs:
        lines += _paragraph("Inputs", f"{'; '.join(map(_raw_input, summary.raw_inputs))}.")
    if writer is not None:
        lines += _paragraph("Code", _code(writer, lineage))
        lines += _paragraph("Repeat", f"kedro reproduce {writer.run_id}")
    doubts = " ".join(_doubts(lineage, summary))
    return "\n".join([*lines, *_paragraph("Doubts", doubts or "none: all files behind it are unchanged.")])


def draw(lineage: Lineage, depth: int | None = None) -> Group:
    """Draw the steps as a tree, followed by the runs that made them.

    Args:
        lineage: All steps.
        depth: Number of steps back to draw; ``None`` for all.
    """
    drawing = _Drawing(lineage)
    tree = drawing.tree(depth)
    runs: dict[str, NodeRecord] = {}
    for step in lineage.steps.values():
        if step.writer is not None and step.name in drawing.shown:
            newest = runs.setdefault(step.writer.run_id, step.writer)
            runs[step.writer.run_id] = max(newest, step.writer, key=lambda record: record.finished)
    ordered = sorted(runs.values(), key=lambda record: record.finished, reverse=True)
    head = "Runs; the first made all steps for which no other is named." if len(ordered) > 1 else "Run"
    return Group(Text("Steps"), tree, Text(), Text(head), *(Text(_run(record)) for record in ordered))


def as_json(lineage: Lineage, summary: Summary, depth: int | None = None) -> dict[str, Any]:
    """Return the lineage as JSON values.

    Args:
        lineage: All steps.
        summary: The summary.
        depth: Number of steps back to return; ``None`` for all.

    Returns:
        ``dataset`` as ``DATASET:HASH``; ``part``; ``reproduce``, the command that repeats the run; ``answer``, the
        summary; and ``steps`` by name, each with ``made_from``, the names of its sources.
    """
    root, shown = lineage.root, lineage if depth is None else lineage.up_to(depth)
    return {
        "dataset": root.name,
        "part": lineage.part,
        "reproduce": None if root.writer is None else f"kedro reproduce {root.writer.run_id}",
        "answer": _SUMMARY.dump_python(summary, mode="json"),
        "steps": {name: _step_as_json(step) for name, step in shown.steps.items()},
    }


class _Drawing:
    """A tree that describes each step once."""

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
        if step.kind in {"not given", "volatile"}:
            return Text(f"{step.state.dataset}: {_KINDS[step.kind]}")
        text = Text(f"{_asked_by(step, part)}  ", style="bold").append(_place(step), style="not bold")
        return text.append(f"\n{self._origin(step)}", style="not bold dim")

    def _origin(self, step: Step) -> str:
        writer = step.writer
        if writer is None and step.state.registered is not None:
            return f"registered as {step.state.registered}"
        if writer is None:
            return " ".join((_KINDS.get(step.kind, step.kind), *step.sources))
        module, _, function = writer.function.removeprefix(_PACKAGE).partition(":")
        called = "" if writer.node.rpartition(".")[2] == function else f", {function}"
        run = "" if writer.run_id == self._usual_run else f", run {_short(writer.run_id)}"
        taken = ", ".join(sorted(name.removeprefix("params:") for name in writer.parameters))
        return f"by {writer.node}{called} in {module}{run}{'; parameters ' if taken else ''}{taken}"


def _title(lineage: Lineage, facts: MapFacts | None) -> str:
    name = _asked_by(lineage.root, lineage.part)
    if facts is None:
        return name if lineage.part is None else f"{name}, {lineage.part}"
    return f"{name}, the map of {lineage.part}: {_count(facts.mines, 'mine')}, {facts.hectares:.1f} hectares"


def _asked_by(step: Step, part: str | None) -> str:
    """The name that ``kedro lineage`` takes."""
    return step.name if part is None else f"{step.state.dataset}:{step.state.parts[part][:SHORT]}"


def _images(images: Images) -> str:
    said = [] if images.raster is None else [_raster(images.raster, with_dates=not images.scenes)]
    if images.scenes:
        days = sorted(image.moment[:10] for image in images.scenes)
        collections = ", ".join(dict.fromkeys(image.collection for image in images.scenes if image.collection))
        regions = ", ".join(dict.fromkeys(image.region for image in images.scenes))
        said.append(
            f"{_count(len(images.scenes), 'scene')} of {collections or 'an archive'} from {days[0]} to {days[-1]}"
            + (f" for {regions}" if images.raster is None else "")
            + (f"; listed in {images.listed_in}." if images.listed_in else ".")
        )
    if images.simulated:
        said.append("The scenes are simulated.")
    return " ".join([*said, images.remark]).strip()


def _raster(raster: Raster, *, with_dates: bool) -> str:
    state = "gone since" if raster.path in raster.gone else "changed since" if raster.path in raster.changed else ""
    held = f"SHA-256 {raster.content_hash[:SHORT]}" if raster.content_hash else ""
    details = [", ".join(filter(None, (held, state))) or "no record of its content"]
    if not raster.source.endswith(raster.path):
        details.append(f"given as {raster.source}")
    if raster.composite:
        details.append(f"the {raster.method} of clear pixels, composite {raster.composite[:SHORT]}")
    if raster.dates and with_dates:
        details.append(f"images of {', '.join(raster.dates)}")
    unread = f" {_count(raster.unread, 'scene')} could not be read everywhere." if raster.unread else ""
    return f"The map was computed from {raster.path} ({', '.join(details)}).{unread}"


def _image(image: Image) -> Iterator[str]:
    cloud = "" if image.cloud_cover is None else f"cloud {image.cloud_cover:.0f} %"
    baseline = f"baseline {image.baseline}" if image.baseline else ""
    facts = (image.moment.replace("T", " ").removesuffix("Z"), image.platform, cloud, baseline)
    yield f"{_INDENT}{image.item}"
    yield f"{_INDENT}  {', '.join(fact for fact in facts if fact)}"
    yield f"{_INDENT}  {image.address}"


def _model(model: Model, facts: MapFacts | None) -> str:
    known = model.registered or (f"{facts.model} {facts.model_version}" if facts is not None else "")
    name = ", ".join(filter(None, (known, model.dataset, None if known else model.version)))
    said = [f"{name} ({model.path or 'in memory'}{_mark(model.now)})."]
    if model.registered:
        by = f" by run {_short(model.registered_by)}" if model.registered_by else ""
        said.append(f"Read from the registry, where it was registered{by}.")
    if model.threshold is not None:
        said.append(f"Probability threshold {model.threshold:.4g}.")
    if facts is not None:
        said.append(
            f"Polygons consist of pixels of {facts.grow:.4g} or more and have at least one of {facts.seed:.4g} or more."
        )
    if model.trained_in:
        said.append(f"Trained in run {', '.join(map(_short, model.trained_in))}.")
    if model.learned_from:
        regions = ", ".join(f"{region} {number}" for region, number in model.learned_from.items())
        said.append(f"Trained on {_count(sum(model.learned_from.values()), 'chip')} ({regions}).")
    if model.chips:
        scenes = "" if model.scenes is None else f", cut from composites of {_count(model.scenes, 'scene')}"
        said.append(f"Its chips are {model.chips}{scenes}.")
    return " ".join(said)


def _raw_input(raw: RawInput) -> str:
    kind = _RAW_KINDS.get(raw.kind, raw.kind)
    return f"{raw.dataset} ({kind}, {raw.path or 'in memory'}{_mark(raw.now)})"


def _code(writer: NodeRecord, lineage: Lineage) -> str:
    packages = {step.writer.code.package_hash for step in lineage.steps.values() if step.writer is not None}
    others = packages - {writer.code.package_hash}
    more = (
        f" Earlier steps ran {_count(len(others), 'other version')} of the code: see the runs below." if others else ""
    )
    kept = f"; the run keeps them as {WORKING_TREE}" if writer.code.dirty else ""
    lock = (writer.environment.lock_hash or "unknown")[:SHORT]
    return (
        f"{_commit(writer.code)}{kept}; package {writer.code.package_hash[:SHORT]}; function {writer.function}; "
        f"packages of lock file {lock}, Python {writer.environment.python}.{more}"
    )


def _commit(code: CodeState) -> str:
    changed = f" with uncommitted changes ({(code.diff_hash or 'unknown')[:SHORT]})" if code.dirty else ""
    return f"commit {code.commit[:SHORT]}{changed}"


def _doubts(lineage: Lineage, summary: Summary) -> Iterator[str]:
    steps = lineage.steps.values()
    yield from (step.remark for step in steps if step.remark)
    if summary.map is None and lineage.part is not None and lineage.root.facts.holds == "maps":
        yield f"The folder of the map of {lineage.part} holds another map today, or none."
    for now, words in _FAULTS:
        names = [_asked_by(step, lineage.part if step == lineage.root else None) for step in steps if step.now == now]
        if names:
            yield f"{words}: {', '.join(names)}."
    raster = summary.images.raster if summary.images is not None else None
    if raster is None:
        return
    if raster.changed:
        yield f"Files of the mapped scene have changed since: {', '.join(raster.changed)}."
    if raster.gone:
        yield f"Files of the mapped scene are gone: {', '.join(raster.gone)}."
    if raster.content_hash is None and raster.composite is None:  # a composite has a hash of its own
        yield f"The map is older than records of the mapped scene, so the content of {raster.path} then is unknown."


def _place(step: Step, part: str | None = None) -> str:
    """The path and its state today; the version stands once, although it is a part of the path."""
    state = step.state
    if state.path is None:
        return "in memory"
    path = state.path
    if state.version:
        path = path.removesuffix(f"/{state.version}/{PurePosixPath(path).name}")
    folder = f"/{part}" if part is not None and step.facts.holds == "maps" and not path.endswith(".json") else ""
    return ", ".join(filter(None, (f"{path}{folder}", state.version, _NOW[step.now])))


def _run(record: NodeRecord) -> str:
    environment = record.environment
    return (
        f"{_short(record.run_id)}  {_time(record.finished)}, {_commit(record.code)}\n"
        f"{' ' * SHORT}  package {record.code.package_hash[:SHORT]}, lock file "
        f"{(environment.lock_hash or 'unknown')[:SHORT]}, Python {environment.python}, {environment.device}"
    )


def _step_as_json(step: Step) -> dict[str, Any]:
    writer = step.writer
    return {
        **step.state.model_dump(mode="json"),
        "kind": step.kind,
        "now": step.now,
        "remark": step.remark or None,
        "made_from": list(step.sources),
        "made_by": None if writer is None else writer.model_dump(mode="json", exclude={"inputs", "outputs"}),
    }


def _short(run_id: str) -> str:
    return run_id if _SESSION.match(run_id) else run_id[:SHORT]


def _mark(now: Presence) -> str:
    return f", {_NOW[now]}" if now in {"changed", "gone"} else ""


def _time(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _paragraph(word: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=word.ljust(_MARGIN), subsequent_indent=_INDENT,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
