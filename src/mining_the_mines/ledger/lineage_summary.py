"""Which images, which model and which code stand behind something, gathered from its lineage and from its files."""

from dataclasses import dataclass
from pathlib import Path

from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.ledger.lineage import MAPS, Kind, Lineage, Presence
from mining_the_mines.ledger.lineage_evidence import Images, find_images
from mining_the_mines.ledger.lineage_models import Model, find_models
from mining_the_mines.mapping.scene_map import MapRecord, read_map


@dataclass(frozen=True)
class RawInput:
    """What no node has made.

    Attributes:
        dataset: In the catalog, as ``DATASET:HASH``.
        kind: ``handed over`` by people, or ``simulated``.
        path: Where it lay.
        now: What lies there today.
    """

    dataset: str
    kind: Kind
    path: str | None
    now: Presence


@dataclass(frozen=True)
class Answer:
    """What stands behind something.

    Attributes:
        map: Of a map, what its folder says of it, if that still holds this map.
        images: That it was made from; ``None`` if none are known.
        models: That it was made with.
        raw_inputs: What it stands on that no node has made.
    """

    map: MapRecord | None
    images: Images | None
    models: tuple[Model, ...]
    raw_inputs: tuple[RawInput, ...]


def gather(lineage: Lineage, project: Path, hashes: ContentHashes) -> Answer:
    """Gather what people ask first.

    Args:
        lineage: Of what they ask about.
        project: Folder that recorded paths are relative to.
        hashes: Of files.
    """
    found = _map(lineage, project)
    return Answer(
        map=found,
        images=find_images(lineage, project, found, hashes),
        models=find_models(lineage, project, found),
        raw_inputs=tuple(
            RawInput(step.name, step.kind, step.state.path, step.now) for step in lineage.raw_inputs(lineage.root)
        ),
    )


def _map(lineage: Lineage, project: Path) -> MapRecord | None:
    """What the folder of a map says, if it still holds this one."""
    state = lineage.root.state
    if lineage.part is None or state.path is None or state.dataset != MAPS:
        return None
    found = read_map(project / state.path, lineage.part)
    return found.record if found is not None and found.record.content_hash == state.parts[lineage.part] else None
