"""Lineage for machines."""

from typing import Any, Final

from pydantic import TypeAdapter

from mining_the_mines.ledger.lineage import Lineage, Step
from mining_the_mines.ledger.lineage_summary import Answer

_ANSWER: Final = TypeAdapter(Answer)


def as_json(lineage: Lineage, answer: Answer, depth: int | None = None) -> dict[str, Any]:
    """Tell all that is known as plain values.

    Args:
        lineage: All steps.
        answer: What was gathered of them.
        depth: How many steps back are told; ``None`` for all.

    Returns:
        ``dataset`` as ``DATASET:HASH``; ``part``; ``reproduce``, the command that does it again; ``answer``; and
        ``steps`` by name, each with ``made_from``, the names of the steps before it.
    """
    root, told = lineage.root, lineage if depth is None else lineage.up_to(depth)
    return {
        "dataset": root.name,
        "part": lineage.part,
        "reproduce": None if root.writer is None else f"kedro reproduce {root.writer.run_id}",
        "answer": _ANSWER.dump_python(answer, mode="json"),
        "steps": {name: _step(step) for name, step in told.steps.items()},
    }


def _step(step: Step) -> dict[str, Any]:
    made = step.writer
    return {
        **step.state.model_dump(mode="json"),
        "kind": step.kind,
        "now": step.now,
        "remark": step.remark or None,
        "made_from": list(step.sources),
        "made_by": None if made is None else made.model_dump(mode="json", exclude={"inputs", "outputs"}),
    }
