"""Images, models and raw data behind a result, read from its lineage and from the JSON records beside the data.

No domain class is needed: scenes are STAC items in a list, a map and a composite have a JSON record, a decision is a
JSON file with a threshold, and folds are a CSV table.
"""

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.core.paths import find
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.ledger.lineage import Kind, Lineage, Presence, Step
from mining_the_mines.ledger.records import DatasetState

_BASELINES: Final = ("s2:processing_baseline", "sentinel:processing_baseline", "processing:version")
#: In names such as ``S2A_MSIL2A_20220103T140051_N0301_R067_T21MUN_20220103T180000``.
_NAMED_BASELINE: Final = re.compile(r"_N(\d{2})(\d{2})(?:_|$)")
_NAMED_TILE: Final = re.compile(r"_T?(\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?:_|$)")

#: Returns the JSON record of a part of a dataset; ``None`` if its files are gone.
RecordReader = Callable[[DatasetState, str], dict[str, Any] | None]


@dataclass(frozen=True)
class MapFacts:
    """A map of a scene, as its record tells.

    Attributes:
        scene: Name of the scene.
        model: Name of the model.
        model_version: Version of the model.
        seed: Probability that a polygon must reach somewhere.
        grow: Probability from which a pixel belongs to a polygon.
        mines: Number of polygons.
        hectares: Area of the polygons in ha.
    """

    scene: str
    model: str
    model_version: str
    seed: float
    grow: float
    mines: int
    hectares: float


@dataclass(frozen=True)
class Image:
    """A scene of an archive; texts are empty where the archive says nothing.

    Attributes:
        region: Region that it was chosen for.
        item: Id of the STAC item.
        moment: Time of acquisition in UTC, ISO 8601.
        collection: Collection of the archive.
        platform: Satellite.
        baseline: Processing baseline, such as ``05.10``.
        tile: MGRS tile.
        cloud_cover: Per cent; ``None`` if unknown.
        address: Address of the item, or of its first file, without signatures.
    """

    region: str
    item: str
    moment: str
    collection: str
    platform: str
    baseline: str
    tile: str
    cloud_cover: float | None
    address: str


@dataclass(frozen=True)
class Raster:
    """The raster that a map was computed from.

    Attributes:
        path: Path, relative to the project if it lies there.
        source: Scene as the user named it.
        dates: Days of its images, ISO 8601, if they are known.
        content_hash: SHA-256 as it was mapped; ``None`` in older maps.
        changed: Paths of its files that have changed since; itself first, if it has.
        gone: Paths of its files that are missing.
        composite: Content hash of the composite that it is; ``None`` if it is none.
        method: Compositing method, such as ``median``.
        unread: Number of scenes that could not be read everywhere.
    """

    path: str
    source: str
    dates: tuple[str, ...]
    content_hash: str | None
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    composite: str | None
    method: str
    unread: int


@dataclass(frozen=True)
class Images:
    """The images behind a result.

    Attributes:
        raster: The raster of a map; ``None`` for other results.
        scenes: Scenes of archives.
        listed_in: The list of scenes as ``DATASET:HASH``; ``None`` if there is none.
        simulated: Whether the scenes are simulated.
        remark: Why the scenes can't be listed, as a sentence; empty if they can.
    """

    raster: Raster | None
    scenes: tuple[Image, ...]
    listed_in: str | None
    simulated: bool
    remark: str


@dataclass(frozen=True)
class Model:
    """A complete model behind a result.

    Attributes:
        dataset: ``DATASET:HASH``.
        version: Version that the map states, or version in the catalog.
        registered: Name and version in the registry; ``None`` for a model of this project.
        registered_by: Run that registered it; ``None`` if unknown.
        path: Path.
        now: State of the path today.
        trained_in: Runs that trained its networks, or else made it.
        threshold: Probability from which a chip or pixel counts as a mine; ``None`` if its file is gone.
        chips: Training chips as ``DATASET:HASH``; ``None`` if no record says.
        learned_from: Number of training chips by region; empty if the folds are gone.
        raw_inputs: Raw data behind it, as paths by ``DATASET:HASH``.
        scenes: Number of scenes behind its chips; ``None`` if unknown.
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


@dataclass(frozen=True)
class RawInput:
    """A dataset that no node made: ``DATASET:HASH``, its kind, its path then, and the state of the path today."""

    dataset: str
    kind: Kind
    path: str | None
    now: Presence


@dataclass(frozen=True)
class Summary:
    """What stands behind a result.

    Attributes:
        map: Facts of a map, if its folder still holds it.
        images: Images; ``None`` if none are known.
        models: The model that made it, or else all models behind it.
        raw_inputs: Data that no node made.
    """

    map: MapFacts | None
    images: Images | None
    models: tuple[Model, ...]
    raw_inputs: tuple[RawInput, ...]


def summarize(lineage: Lineage, project: Path, hashes: ContentHashes, records: RecordReader) -> Summary:
    """Find images, models and raw data behind a result.

    Args:
        lineage: Lineage of the result.
        project: Folder that recorded paths are relative to.
        hashes: Hashes of files.
        records: Reads the JSON records of maps.
    """
    record = _map_record(lineage, records)
    facts = None if record is None else _map_facts(record, lineage.part or "")
    return Summary(
        map=facts,
        images=_images(lineage, project, record, hashes),
        models=_models(lineage, project, facts),
        raw_inputs=tuple(
            RawInput(step.name, step.kind, step.state.path, step.now) for step in lineage.raw_inputs(lineage.root)
        ),
    )


def _map_record(lineage: Lineage, records: RecordReader) -> dict[str, Any] | None:
    """The record of a map, if its folder still holds this map."""
    state, part = lineage.root.state, lineage.part
    if part is None or state.path is None or lineage.root.facts.holds != "maps":
        return None
    record = records(state, part)
    return record if record is not None and record.get("content_hash") == state.parts[part] else None


def _map_facts(record: Mapping[str, Any], scene: str) -> MapFacts:
    model = record.get("facts", {})
    return MapFacts(
        scene=scene,
        model=str(model.get("model", "")),
        model_version=str(model.get("model_version", "")),
        seed=float(record.get("seed", math.nan)),
        grow=float(record.get("grow", math.nan)),
        mines=int(record.get("mines", 0)),
        hectares=float(record.get("hectares", math.nan)),
    )


def _images(lineage: Lineage, project: Path, record: Mapping[str, Any] | None, hashes: ContentHashes) -> Images | None:
    raster, made = (None, None) if record is None else _raster(record, project, hashes)
    composites = _composites(lineage, made) if raster is not None else _composites_behind(lineage)
    scenes = None if composites is None else lineage.nearest("scenes", composites)
    if composites is None or scenes is None:
        named = () if raster is None or made is None else _named_item(raster, str(made.get("region", "")))
        return None if raster is None else Images(raster, named, None, simulated=False, remark="")
    simulated = lineage.is_simulated(scenes)
    items = _read_items(scenes, project)
    if items is None:
        remark = f"The list of scenes {scenes.state.path} has changed or is gone, so they can't be named."
        return Images(raster, (), scenes.name, simulated, remark)
    region = lineage.part if lineage.part in composites.state.parts else None
    listed = tuple(_image(name, item) for name, chosen in items.items() if region in (None, name) for item in chosen)
    return Images(raster, listed, scenes.name, simulated, "")


def _composites(lineage: Lineage, made: Mapping[str, Any] | None) -> Step | None:
    """The composites that a map was computed from; those that only its model was trained on do not count."""
    step = lineage.nearest("composites")
    if step is None or made is None:
        return None
    return step if step.state.parts.get(str(made.get("region"))) == made.get("content_hash") else None


def _composites_behind(lineage: Lineage) -> Step | None:
    if lineage.root.facts.holds in {"composites", "model"}:
        return lineage.nearest("composites")
    sources = [lineage.steps[name] for name in lineage.root.sources]
    found = (lineage.nearest("composites", step) for step in sources if step.facts.holds != "model")
    return next((step for step in found if step is not None), None)


def _raster(record: Mapping[str, Any], project: Path, hashes: ContentHashes) -> tuple[Raster, Mapping[str, Any] | None]:
    """The raster of a map, and the record of the composite that it is."""
    scene = record["scene"]
    image = Path(find(str(scene["image"]), project))
    files = {Path(find(path, project)): held for path, held in record.get("files", {}).items()}
    made = _composite_record(image)
    raster = Raster(
        path=_shown(image, project),
        source=without_secrets(str(scene.get("source", ""))),
        dates=tuple(scene.get("dates", ())),
        content_hash=files.get(image),
        changed=tuple(_shown(path, project) for path in files if path.is_file() and hashes.of(path) != files[path]),
        gone=tuple(_shown(path, project) for path in files or (image,) if not path.is_file()),
        composite=None if made is None else str(made["content_hash"]),
        method="" if made is None else str(made.get("method", "")),
        unread=0 if made is None else len({fault.get("item") for fault in made.get("faults", ())}),
    )
    return raster, made


def _composite_record(image: Path) -> Mapping[str, Any] | None:
    """The JSON record beside a raster that has a content hash."""
    for path in sorted(image.parent.glob("*.json")):
        if path.name.startswith(f"{image.stem}."):
            record = _read_json(path)
            if isinstance(record, dict) and "content_hash" in record:
                return record
    return None


def _shown(path: Path, project: Path) -> str:
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)


def _named_item(raster: Raster, region: str) -> tuple[Image, ...]:
    """The STAC item that the user named as the scene, if it lies on this machine."""
    place = Path(raster.source)
    item = _read_json(place) if place.suffix == ".json" else None
    if not isinstance(item, dict) or "properties" not in item:
        return ()
    return (replace(_image(region, item), address=raster.source),)


def _read_items(scenes: Step, project: Path) -> dict[str, list[dict[str, Any]]] | None:
    """STAC items by region from a list of scenes; ``None`` if it has changed, is gone or can't be read."""
    if scenes.state.path is None or scenes.now != "as recorded":
        return None
    listed = _read_json(project / scenes.state.path)
    return listed.get("items") if isinstance(listed, dict) else None


def _image(region: str, item: Mapping[str, Any]) -> Image:
    properties = item.get("properties", {})
    name = str(item.get("id", ""))
    moment = str(properties.get("datetime") or properties.get("start_datetime") or "")
    cloud = properties.get("eo:cloud_cover")
    own = [link["href"] for link in item.get("links", ()) if link.get("rel") == "self"]
    files = [asset["href"] for asset in item.get("assets", {}).values()]
    return Image(
        region=region,
        item=name,
        moment=_utc(moment),
        collection=str(item.get("collection") or ""),
        platform=str(properties.get("platform") or "").lower(),
        baseline=_baseline(properties, name),
        tile=_tile(properties, name),
        cloud_cover=float(cloud) if isinstance(cloud, int | float) else None,
        address=without_secrets(next(iter([*own, *files]), "")),
    )


def _utc(moment: str) -> str:
    try:
        taken = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{taken.astimezone(UTC) if taken.tzinfo else taken:%Y-%m-%dT%H:%M:%SZ}"


def _baseline(properties: Mapping[str, Any], name: str) -> str:
    stated = next((str(properties[key]) for key in _BASELINES if properties.get(key)), "")
    found = _NAMED_BASELINE.search(name)
    return stated or (f"{found[1]}.{found[2]}" if found else "")


def _tile(properties: Mapping[str, Any], name: str) -> str:
    stated = str(properties.get("s2:mgrs_tile") or properties.get("grid:code") or "").removeprefix("MGRS-")
    found = _NAMED_TILE.search(name)
    return stated.removeprefix("T") or (found[1] if found else "")


def _models(lineage: Lineage, project: Path, facts: MapFacts | None) -> tuple[Model, ...]:
    steps = [step for step in (lineage.root, *lineage.before(lineage.root)) if step.facts.holds == "model"]
    direct = [step for step in steps if step.name in lineage.root.sources]
    return tuple(_model(step, lineage, project, facts) for step in direct or steps)


def _model(step: Step, lineage: Lineage, project: Path, facts: MapFacts | None) -> Model:
    behind = list(lineage.before(step))
    chips = lineage.nearest("chips", step)
    scenes = lineage.nearest("scenes", step)
    items = None if scenes is None else _read_items(scenes, project)
    networks = [source for source in behind if source.facts.networks] or [step]
    folds = _read_as_recorded(lineage.nearest("folds", step), project)
    decision = _read_as_recorded(lineage.nearest("decision", step), project)
    return Model(
        dataset=step.name,
        version=facts.model_version if facts is not None else step.state.version,
        registered=step.state.registered,
        registered_by=step.state.registered_by,
        path=step.state.path,
        now=step.now,
        trained_in=tuple(dict.fromkeys(source.writer.run_id for source in networks if source.writer)),
        threshold=None if decision is None else _threshold(json.loads(decision)),
        chips=None if chips is None else chips.name,
        learned_from={} if folds is None else _chips_by_region(folds),
        raw_inputs={source.name: source.state.path or "" for source in lineage.raw_inputs(step)},
        scenes=None if items is None else sum(map(len, items.values())),
    )


def _read_as_recorded(step: Step | None, project: Path) -> str | None:
    if step is None or step.state.path is None or step.now != "as recorded":
        return None
    return (project / step.state.path).read_text(encoding="utf-8")


def _threshold(decision: Mapping[str, Any]) -> float:
    return float(decision["threshold"] if "threshold" in decision else decision["thresholds"][decision["chosen"]])


def _chips_by_region(folds: str) -> dict[str, int]:
    """Number of training chips by region; the name of a chip's place begins with its region."""
    rows = csv.DictReader(folds.splitlines())
    return dict(sorted(Counter(row["place"].rsplit("/", 1)[0] for row in rows if row["split"] != "test").items()))


def _read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
