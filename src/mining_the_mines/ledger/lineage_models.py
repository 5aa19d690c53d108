"""Which models something was made with, and what those have learned from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from mining_the_mines.ledger.lineage import MODELS, Lineage, Presence, Step
from mining_the_mines.ledger.lineage_evidence import read_choice
from mining_the_mines.mapping.scene_map import MapRecord

#: Where networks and trees learn.
_TRAINING: Final = "mining_the_mines.pipelines.training"


@dataclass(frozen=True)
class Model:
    """A complete model.

    Attributes:
        dataset: In the catalog, as ``DATASET:HASH``.
        version: What a map calls it, or its version in the catalog.
        registered: Name and version of the registered model that was read; ``None`` if it was one of this project.
        registered_by: The run that registered it; ``None`` where the registry knew none.
        path: Where it lies.
        now: What lies there today.
        trained_in: Runs in which networks and trees learned.
        threshold: Probability from which a chip or pixel counts as a mine; ``None`` if its file is gone.
        chips: Hash of the chips that it learned from, as ``DATASET:HASH``; ``None`` if no record tells.
        learned_from: Number of chips by region that it learned from; empty if their list is gone.
        raw_inputs: What it stands on that no node has made, as ``DATASET:HASH``, with where it lies; a registered model
            that was not made here stands for itself.
        scenes: Number of scenes behind its chips; ``None`` if the list of them is gone or there is none.
    """

    dataset: str
    version: str | None
    registered: str | None
    registered_by: str | None
    path: str | None
    now: Presence
    trained_in: tuple[str, ...]
    threshold: float | None
    chips: str | None
    learned_from: dict[str, int]
    raw_inputs: dict[str, str]
    scenes: int | None


def find_models(lineage: Lineage, project: Path, found: MapRecord | None) -> tuple[Model, ...]:
    """Find the model that something was made with; else all that stand behind it.

    Args:
        lineage: Of it.
        project: Folder that recorded paths are relative to.
        found: If it is a map that is still there, what its folder says of it.
    """
    steps = [step for step in (lineage.root, *lineage.before(lineage.root)) if step.state.dataset in MODELS]
    direct = [step for step in steps if step.name in lineage.root.sources]
    return tuple(_model(step, lineage, project, found) for step in direct or steps)


def _model(step: Step, lineage: Lineage, project: Path, found: MapRecord | None) -> Model:
    task = MODELS[step.state.dataset]
    behind = list(lineage.before(step))
    chips = lineage.nearest("packed_chips", step)
    scenes = next((source for source in behind if source.state.dataset == "scenes"), None)
    choice = None if scenes is None else read_choice(scenes, project)
    trained = [
        source.writer.run_id for source in behind if source.writer and source.writer.function.startswith(_TRAINING)
    ]
    return Model(
        dataset=step.name,
        version=found.facts.model_version if found is not None else step.state.version,
        registered=step.state.registered,
        registered_by=step.state.registered_by,
        path=step.state.path,
        now=step.now,
        trained_in=tuple(dict.fromkeys(trained)),
        threshold=_threshold(_of(behind, f"{task}.decision"), project),
        chips=None if chips is None else chips.name,
        learned_from=_learned_from(_of(behind, "folds"), project),
        raw_inputs={source.name: source.state.path or "" for source in lineage.raw_inputs(step)},
        scenes=None if choice is None else sum(len(items) for items in choice.items.values()),
    )


def _of(steps: list[Step], dataset: str) -> Step | None:
    """The step of a dataset, if what it read lies there unchanged."""
    return next((step for step in steps if step.state.dataset == dataset and step.now == "as recorded"), None)


def _threshold(decision: Step | None, project: Path) -> float | None:
    if decision is None or decision.state.path is None:
        return None
    made = json.loads((project / decision.state.path).read_text(encoding="utf-8"))
    return float(made["threshold"] if "threshold" in made else made["thresholds"][made["chosen"]])


def _learned_from(folds: Step | None, project: Path) -> dict[str, int]:
    """Chips by region; the place of a chip begins with its region."""
    if folds is None or folds.state.path is None:
        return {}
    table = pd.read_csv(project / folds.state.path, dtype={"place": str})
    places = table.loc[table["split"] != "test", "place"].str.rsplit("/", n=1).str[0]
    return {str(region): int(number) for region, number in places.value_counts().sort_index().items()}
