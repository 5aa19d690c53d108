"""Answer of ``kedro lineage`` as text: paragraphs from a template, then the steps as a tree."""

import re
import textwrap
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from mining_the_mines.ledger.lineage import Kind, Lineage, Presence, Step
from mining_the_mines.ledger.lineage_answer import asked_by
from mining_the_mines.ledger.lineage_subject import SHORT
from mining_the_mines.ledger.records import WORKING_TREE, CodeState, NodeRecord

_TEMPLATE: Final = "lineage.txt.jinja"
#: Columns of the text, and of the word before each paragraph.
_WIDTH: Final = 100
_MARGIN: Final = 9
_PACKAGE: Final = "mining_the_mines."
#: Steps without a writer.
_KINDS: Final[dict[Kind, str]] = {
    "unrecorded": "no record of how it was made", "not given": "none given", "volatile": "no result depends on it",
}  # fmt: skip
_NOW: Final[dict[Presence, str]] = {
    "as recorded": "", "changed": "changed since", "gone": "gone since", "unchecked": "not checked",
    "in memory": "in memory", "not given": "none",
}  # fmt: skip
#: Kedro's name of a session, which stands for the id of a run that was not tracked.
_SESSION: Final = re.compile(r"\d{4}-\d\d-\d\dT")


def describe(lineage: Lineage, answered: dict[str, Any]) -> str:
    """Describe images, models, data and code behind a result.

    Args:
        lineage: Lineage of the result.
        answered: Its :func:`~mining_the_mines.ledger.lineage_answer.answer`.

    Returns:
        Lines of up to 100 columns; addresses may be longer.
    """
    environment = Environment(  # noqa: S701 - plain text
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined
    )
    environment.filters |= {"time": _time, "run": _short}
    root = lineage.root
    packages = {step.writer.code.package_hash for step in lineage.steps.values() if step.writer is not None}
    text = environment.get_template(_TEMPLATE).render(
        **answered["answer"],
        part=lineage.part,
        place=_place(root, lineage.part),
        writer=root.writer,
        other_code=len(packages) - 1,
        reproduce=answered["reproduce"],
        working_tree=WORKING_TREE,
    )
    lines = [_title(lineage, answered["answer"]["map"]), ""]
    for line in filter(str.strip, text.splitlines()):
        word, _, sentences = line.partition("\t")
        lines += _paragraph(word, sentences) if word else [" " * _MARGIN + sentences]
    return "\n".join(lines)


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
        text = Text(f"{asked_by(step, part)}  ", style="bold").append(_place(step), style="not bold")
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


def _title(lineage: Lineage, facts: dict[str, Any] | None) -> str:
    name = asked_by(lineage.root, lineage.part)
    if facts is None:
        return name if lineage.part is None else f"{name}, {lineage.part}"
    mines = "1 mine" if facts["mines"] == 1 else f"{facts['mines']} mines"
    return f"{name}, the map of {lineage.part}: {mines}, {facts['hectares']:.1f} hectares"


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


def _commit(code: CodeState) -> str:
    changed = f" with uncommitted changes ({(code.diff_hash or 'unknown')[:SHORT]})" if code.dirty else ""
    return f"commit {code.commit[:SHORT]}{changed}"


def _short(run_id: str) -> str:
    return run_id if _SESSION.match(run_id) else run_id[:SHORT]


def _time(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"


def _paragraph(word: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=word.ljust(_MARGIN), subsequent_indent=" " * _MARGIN,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
