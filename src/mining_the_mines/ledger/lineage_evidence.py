"""Which images something was made from, as far as its lineage and its files tell."""

import json
import math
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.ledger.lineage import MODELS, Lineage, Step
from mining_the_mines.mapping.scene_map import MapRecord
from mining_the_mines.scenes.composite_files import CompositeRecord, read_composite
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.scene_list import ItemJson, SceneSelection


@dataclass(frozen=True)
class Image:
    """A scene of an archive.

    Attributes:
        region: That it was wanted for.
        item: Its id in the catalog.
        moment: When it was taken, UTC, ISO 8601.
        collection: Of the catalog; empty if it does not say.
        platform: Satellite; empty if the catalog does not say.
        baseline: Processing baseline; empty if the catalog does not say.
        tile: MGRS tile; empty if the catalog does not say.
        cloud_cover: Per cent; ``None`` if the catalog does not say.
        address: Of the item, or else of its first file, without signatures.
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
    """What a map was drawn from.

    Attributes:
        path: Of the file, relative to the project if it lies in it.
        source: What the person who wanted the map called it.
        dates: Days of its images, as far as they are known.
        content_hash: SHA-256 of the file as it was mapped; ``None`` if the map is older than that being kept.
        changed: Its files that hold something else today, such as tiles of a mosaic; itself first, if it is one.
        gone: Its files that are not there any more.
        composite: How it was composited, if it was.
    """

    path: str
    source: str
    dates: tuple[date, ...]
    content_hash: str | None
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    composite: CompositeRecord | None


@dataclass(frozen=True)
class Images:
    """The images that something was made from.

    Attributes:
        raster: Of a map, what it was drawn from.
        scenes: Those of archives.
        listed_in: The list of scenes, as ``DATASET:HASH``; ``None`` if there is none.
        simulated: Whether no satellite has taken them.
        remark: Why they can't be told, as a sentence; empty if they can.
    """

    raster: Raster | None
    scenes: tuple[Image, ...]
    listed_in: str | None
    simulated: bool
    remark: str


def find_images(lineage: Lineage, project: Path, found: MapRecord | None, hashes: ContentHashes) -> Images | None:
    """Find the images that something was made from.

    Args:
        lineage: Of it.
        project: Folder that recorded paths are relative to.
        found: If it is a map that is still there, what its folder says of it.
        hashes: Of files.

    Returns:
        The images; ``None`` if neither records nor files know of any.
    """
    raster = None if found is None else _raster(found, project, hashes)
    composites = _composites(lineage, raster)
    scenes = None if composites is None else lineage.nearest("scenes", composites)
    if composites is None or scenes is None:
        named = () if raster is None else _named_item(raster)
        return None if raster is None else Images(raster, named, None, simulated=False, remark="")
    simulated = lineage.nearest("simulated_series", scenes) is not None
    choice = read_choice(scenes, project)
    if choice is None:
        remark = f"The list of scenes {scenes.state.path} is not what it was, so they can't be named any more."
        return Images(raster, (), scenes.name, simulated, remark)
    region = lineage.part if lineage.part in composites.state.parts else None
    wanted = [name for name in choice.items if region in (None, name)]
    listed = tuple(_image(name, item) for name in wanted for item in choice.items[name])
    return Images(raster, listed, scenes.name, simulated, "")


def _composites(lineage: Lineage, raster: Raster | None) -> Step | None:
    """The composites that something was made from; those that only its model has learned from do not count."""
    if raster is not None:
        made = raster.composite
        step = lineage.nearest("composites")
        same = step is not None and made is not None and step.state.parts.get(made.region) == made.content_hash
        return step if same else None
    if lineage.root.state.dataset in {"composites", *MODELS}:
        return lineage.nearest("composites")
    sources = [lineage.steps[name] for name in lineage.root.sources]
    found = (lineage.nearest("composites", step) for step in sources if step.state.dataset not in MODELS)
    return next((step for step in found if step is not None), None)


def _raster(found: MapRecord, project: Path, hashes: ContentHashes) -> Raster:
    image = found.scene.image
    files = {Path(path): held for path, held in found.files.items()}
    there = [path for path in files if path.is_file()]
    return Raster(
        path=_shown(image, project),
        source=without_secrets(found.scene.source),
        dates=found.scene.dates,
        content_hash=files.get(image),
        changed=tuple(_shown(path, project) for path in there if hashes.of(path) != files[path]),
        gone=tuple(_shown(path, project) for path in files or (image,) if not path.is_file()),
        composite=read_composite(image.parent, image.stem),
    )


def _shown(path: Path, project: Path) -> str:
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)


def _named_item(raster: Raster) -> tuple[Image, ...]:
    """The item of an archive that a person named, if it lies on this machine."""
    place = Path(raster.source)
    if raster.composite is None or place.suffix != ".json" or not place.is_file():
        return ()
    try:
        item = json.loads(place.read_text(encoding="utf-8"))
        return (replace(_image(raster.composite.region, item), address=raster.source),)
    except (ValueError, KeyError):  # it is no item any more
        return ()


def read_choice(scenes: Step, project: Path) -> SceneSelection | None:
    """Read the list of scenes that a step stands for; ``None`` if it is not there any more as it was."""
    if scenes.state.path is None or scenes.now != "as recorded":
        return None
    try:
        return SceneSelection.from_json((project / scenes.state.path).read_text(encoding="utf-8"))
    except (OSError, BadInputError):
        return None


def _image(region: str, item: ItemJson) -> Image:
    facts = SceneFacts.of(item)
    own = [link["href"] for link in item.get("links", ()) if link.get("rel") == "self"]
    files = [asset["href"] for asset in item["assets"].values()]
    return Image(
        region=region,
        item=facts.item,
        moment=facts.when,
        collection=item.get("collection") or "",
        platform=facts.platform or "",
        baseline=facts.baseline or "",
        tile=facts.tile or "",
        cloud_cover=None if math.isnan(facts.cloud_cover) else facts.cloud_cover,
        address=without_secrets(next(iter([*own, *files]), "")),
    )
