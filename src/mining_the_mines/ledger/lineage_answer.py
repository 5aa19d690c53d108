"""Answer of ``kedro lineage``: images, models, raw data, code and doubts behind a result, as JSON values.

The answer is read from the lineage and from the plain records beside the data, so no domain class is needed: scenes are
STAC items in a list, a map and a composite have a JSON record, a decision is a JSON file with a threshold, and folds
are a CSV table.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, Final

from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.core.paths import find
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.ledger.lineage import Catalog, Lineage, Presence, Step
from mining_the_mines.ledger.lineage_subject import SHORT
from mining_the_mines.ledger.states import shown_path

#: Names in a map's record that the answer repeats.
_MAP_FACTS: Final = ("seed", "grow", "mines", "hectares")
_BASELINES: Final = ("s2:processing_baseline", "sentinel:processing_baseline", "processing:version")
#: In names such as ``S2A_MSIL2A_20220103T140051_N0301_R067_T21MUN_20220103T180000``.
_NAMED_BASELINE: Final = re.compile(r"_N(\d{2})(\d{2})(?:_|$)")
_NAMED_TILE: Final = re.compile(r"_T?(\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?:_|$)")
#: Faults of files, in the order in which doubts name them.
_FAULTS: Final[tuple[tuple[Presence, str], ...]] = (
    ("changed", "Changed since"),
    ("gone", "Gone since"),
    ("unchecked", "Recorded in another form by an older version, so not checked"),
)


def answer(
    lineage: Lineage, project: Path, hashes: ContentHashes, catalog: Catalog, depth: int | None = None
) -> dict[str, Any]:
    """Gather all that stands behind a result.

    Args:
        lineage: Lineage of the result.
        project: Folder that recorded paths are relative to.
        hashes: Hashes of files.
        catalog: Reads the JSON records of maps.
        depth: Number of steps back to return; ``None`` for all.

    Returns:
        ``dataset`` (``DATASET:HASH``), ``part``, ``reproduce`` (the command that repeats the run), ``steps`` by name
        with ``made_from``, the names of their sources, and ``answer`` with

        - ``map``: ``model``, ``model_version``, ``seed``, ``grow``, ``mines`` and ``hectares`` of a map, or ``None``;
        - ``images``: the ``raster`` that a map was computed from, the ``scenes`` of an archive, the list that they are
          ``listed_in``, whether they are ``simulated``, and a ``remark`` if they can't be listed; ``None`` if none are
          known;
        - ``answers``: judged places behind an estimate: ``dataset``, ``path``, the number of ``places``, the
          ``reviewers`` with their number of answers, the ``maps`` that the places were drawn from, and a ``remark`` if
          they can't be listed; ``None`` if there are none;
        - ``models``: each with its runs of training, threshold, chips by region and raw inputs;
        - ``raw_inputs``: datasets that no node made;
        - ``doubts``: sentences about files and records that do not agree.
    """
    root, shown = lineage.root, lineage if depth is None else lineage.up_to(depth)
    record = _map_record(lineage, catalog)
    facts = None if record is None else _map_facts(record)
    images = _images(lineage, project, record, hashes)
    return {
        "dataset": root.name,
        "part": lineage.part,
        "reproduce": None if root.writer is None else f"kedro reproduce {root.writer.run_id}",
        "answer": {
            "map": facts,
            "images": images,
            "answers": _answers(lineage, project),
            "models": [_model(step, lineage, project, facts) for step in _model_steps(lineage)],
            "raw_inputs": [_step_facts(step) for step in lineage.raw_inputs(root)],
            "doubts": list(_doubts(lineage, facts, images)),
        },
        "steps": {name: _step_as_json(step) for name, step in shown.steps.items()},
    }


def asked_by(step: Step, part: str | None) -> str:
    """The name that ``kedro lineage`` takes for a step, or for a part of it."""
    return step.name if part is None else f"{step.state.dataset}:{step.state.parts[part][:SHORT]}"


def _map_record(lineage: Lineage, catalog: Catalog) -> dict[str, Any] | None:
    """The record of a map, if its folder still holds this map."""
    state, part = lineage.root.state, lineage.part
    if part is None or state.path is None or lineage.root.facts.holds != "maps":
        return None
    record = catalog.read_record(state, part)
    return record if record is not None and record.get("content_hash") == state.parts[part] else None


def _map_facts(record: Mapping[str, Any]) -> dict[str, Any]:
    model = record.get("facts", {})
    return {
        "model": model.get("model", ""),
        "model_version": model.get("model_version", ""),
        **{name: record.get(name) for name in _MAP_FACTS},
    }


def _images(
    lineage: Lineage, project: Path, record: Mapping[str, Any] | None, hashes: ContentHashes
) -> dict[str, Any] | None:
    raster, composite = (None, None) if record is None else _raster(record, project, hashes)
    composites = _composites_behind(lineage) if raster is None else _composites_of(lineage, composite)
    scenes = None if composites is None else lineage.nearest("scenes", composites)
    found: dict[str, Any] = {"raster": raster, "scenes": [], "listed_in": None, "simulated": False, "remark": ""}
    if composites is None or scenes is None:
        if raster is not None and composite is not None:
            found["scenes"] = list(_named_item(raster["source"], str(composite.get("region", ""))))
        return None if raster is None else found
    found |= {"listed_in": scenes.name, "simulated": lineage.is_simulated(scenes)}
    items = _read_items(scenes, project, "*" if raster is None else PurePath(raster["path"]).parent.name)
    if items is None:
        return found | {"remark": f"The list of scenes {scenes.state.path} has changed or is gone."}
    region = lineage.part if lineage.part in composites.state.parts else (composite or {}).get("region")
    chosen = ((name, item) for name, listed in items.items() if region in (None, name) for item in listed)
    return found | {"scenes": [_image(name, item) for name, item in chosen]}


def _composites_of(lineage: Lineage, composite: Mapping[str, Any] | None) -> Step | None:
    """The composites that a map was computed from; those that only its model was trained on do not count."""
    step = lineage.nearest("composites")
    if step is None or composite is None:
        return None
    return step if composite["content_hash"] in step.state.parts.values() else None


def _composites_behind(lineage: Lineage) -> Step | None:
    if lineage.root.facts.holds in {"composites", "model"}:
        return lineage.nearest("composites")
    sources = [lineage.steps[name] for name in lineage.root.sources]
    found = (lineage.nearest("composites", step) for step in sources if step.facts.holds != "model")
    return next((step for step in found if step is not None), None)


def _raster(
    record: Mapping[str, Any], project: Path, hashes: ContentHashes
) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """The raster that a map was computed from, and the record of the composite that it is."""
    scene = record["scene"]
    image = Path(find(str(scene["image"]), project))
    files = {Path(find(path, project)): held for path, held in record.get("files", {}).items()}
    composite = _composite_record(image)
    made = composite or {}
    raster = {
        "path": shown_path(image, project),
        "source": without_secrets(str(scene.get("source", ""))),
        "dates": scene.get("dates", []),
        "content_hash": files.get(image),
        "changed": [shown_path(path, project) for path in files if path.is_file() and hashes.of(path) != files[path]],
        "gone": [shown_path(path, project) for path in files or (image,) if not path.is_file()],
        "composite": made.get("content_hash"),
        "method": made.get("method", ""),
        "unread": len({fault.get("item") for fault in made.get("faults", ())}),
    }
    return raster, composite


def _composite_record(image: Path) -> Mapping[str, Any] | None:
    """The JSON record with a content hash beside a raster."""
    for path in sorted(image.parent.glob("*.json")):
        record = _read_json(path) if path.name.startswith(f"{image.stem}.") else None
        if isinstance(record, dict) and "content_hash" in record:
            return record
    return None


def _named_item(source: str, region: str) -> Iterator[dict[str, Any]]:
    """The STAC item that the user named as the scene, if it lies on this machine."""
    item = _read_json(Path(source)) if source.endswith(".json") else None
    if isinstance(item, dict) and "properties" in item:
        yield {**_image(region, item), "address": source}


def _read_items(scenes: Step, project: Path, period: str = "*") -> dict[str, list[dict[str, Any]]] | None:
    """STAC items by region from a list of scenes, or from the lists of a series.

    Args:
        scenes: The list, or a folder with one for each period in a folder of its own.
        project: Folder that recorded paths are relative to.
        period: The period that is asked for; by default all.

    Returns:
        Items by region; ``None`` if the list has changed, is gone or can't be read.
    """
    if scenes.state.path is None or scenes.now != "as recorded":
        return None
    place = project / scenes.state.path
    if not place.is_dir():
        listed = _read_json(place)
        return listed.get("items") if isinstance(listed, dict) else None
    items: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(place.glob(f"{period}/*.json")):
        for region, own in _read_json(path)["scenes"]["items"].items():
            items.setdefault(region, []).extend(own)
    return items or None


def _image(region: str, item: Mapping[str, Any]) -> dict[str, Any]:
    properties = item.get("properties", {})
    name = str(item.get("id", ""))
    baseline, tile = _NAMED_BASELINE.search(name), _NAMED_TILE.search(name)
    stated_tile = str(properties.get("s2:mgrs_tile") or properties.get("grid:code") or "")
    own = [link["href"] for link in item.get("links", ()) if link.get("rel") == "self"]
    files = [asset["href"] for asset in item.get("assets", {}).values()]
    return {
        "region": region,
        "item": name,
        "moment": _utc(str(properties.get("datetime") or properties.get("start_datetime") or "")),
        "collection": item.get("collection") or "",
        "platform": str(properties.get("platform") or "").lower(),
        "baseline": next((str(properties[key]) for key in _BASELINES if properties.get(key)), "")
        or (".".join(baseline.groups()) if baseline else ""),
        "tile": stated_tile.removeprefix("MGRS-").removeprefix("T") or (tile[1] if tile else ""),
        "cloud_cover": properties.get("eo:cloud_cover"),
        "address": without_secrets(next(iter([*own, *files]), "")),
    }


def _utc(moment: str) -> str:
    try:
        taken = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{taken.astimezone(UTC) if taken.tzinfo else taken:%Y-%m-%dT%H:%M:%SZ}"


def _answers(lineage: Lineage, project: Path) -> dict[str, Any] | None:
    """The judged places that an estimate was made from."""
    step = lineage.nearest("answers")
    if step is None:
        return None
    text = _read_as_recorded(step, project)
    rows = [] if text is None else list(csv.DictReader(text.splitlines()))
    named = Counter(name for row in rows for name in row["reviewers"].split("; "))
    return {
        **_step_facts(step),
        "places": len(rows),
        "reviewers": dict(sorted(named.items())),
        "maps": sorted({row["lineage_id"] for row in rows} - {""}),
        "remark": "" if text is not None else f"The judged places {step.state.path} have changed or are gone.",
    }


def _model_steps(lineage: Lineage) -> list[Step]:
    """The model that made a result, or else all models behind it."""
    behind = (lineage.root, *lineage.before(lineage.root))
    steps = [step for step in behind if step.facts.holds == "model" and step.kind != "not given"]
    return [step for step in steps if step.name in lineage.root.sources] or steps


def _model(step: Step, lineage: Lineage, project: Path, facts: Mapping[str, Any] | None) -> dict[str, Any]:
    chips, scenes = lineage.nearest("chips", step), lineage.nearest("scenes", step)
    items = None if scenes is None else _read_items(scenes, project)
    networks = [source for source in lineage.before(step) if source.facts.networks] or [step]
    folds = _read_as_recorded(lineage.nearest("folds", step), project)
    decision = _read_as_recorded(lineage.nearest("decision", step), project)
    return {
        **_step_facts(step),
        "version": step.state.version if facts is None else facts["model_version"],
        "registered": step.state.registered,
        "registered_by": step.state.registered_by,
        "trained_in": list(dict.fromkeys(source.writer.run_id for source in networks if source.writer)),
        "threshold": None if decision is None else _threshold(json.loads(decision)),
        "chips": None if chips is None else chips.name,
        "learned_from": {} if folds is None else _chips_by_region(folds),
        "raw_inputs": {source.name: source.state.path or "" for source in lineage.raw_inputs(step)},
        "scenes": None if items is None else sum(map(len, items.values())),
    }


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


def _doubts(lineage: Lineage, facts: Mapping[str, Any] | None, images: Mapping[str, Any] | None) -> Iterator[str]:
    steps = lineage.steps.values()
    yield from (step.remark for step in steps if step.remark)
    if facts is None and lineage.part is not None and lineage.root.facts.holds == "maps":
        yield f"The folder of the map of {lineage.part} holds another map today, or none."
    for now, words in _FAULTS:
        names = [asked_by(step, lineage.part if step == lineage.root else None) for step in steps if step.now == now]
        if names:
            yield f"{words}: {', '.join(names)}."
    raster = None if images is None else images["raster"]
    if raster is None:
        return
    if raster["changed"]:
        yield f"Files of the mapped scene have changed since: {', '.join(raster['changed'])}."
    if raster["gone"]:
        yield f"Files of the mapped scene are gone: {', '.join(raster['gone'])}."
    if raster["content_hash"] is None and raster["composite"] is None:  # a composite has a hash of its own
        yield f"The map is older than records of the mapped scene: the content of {raster['path']} then is unknown."


def _step_facts(step: Step) -> dict[str, Any]:
    return {"dataset": step.name, "kind": step.kind, "path": step.state.path, "now": step.now}


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


def _read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
