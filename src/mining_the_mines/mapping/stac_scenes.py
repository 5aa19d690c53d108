"""Scenes of STAC archives become composites of one date: clouds masked, offsets harmonised, one grid of 10 m."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pystac

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.progress import Count
from mining_the_mines.mapping.scene_discovery import StacScene, composite_scene
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.http import PLANETARY_COMPUTER
from mining_the_mines.scenes.regions import Bounds, Region
from mining_the_mines.scenes.search import open_item
from mining_the_mines.scenes.selection import select_from
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings

_PLANETARY_COMPUTER_HOST: Final = "planetarycomputer.microsoft.com"
#: Where its files lie, which nobody reads without a signature.
_STORAGE: Final = ".blob.core.windows.net"


@dataclass(frozen=True)
class StacReading:
    """How scenes of archives are read.

    Attributes:
        compositing: What is masked.
        access: How patiently files are read.
        dask: Where the work is done.
    """

    compositing: CompositingSettings
    access: AcquisitionSettings
    dask: DaskSettings


def composite_item(
    scene: StacScene, bands: Sequence[str], reading: StacReading, folder: Path, progress: Count
) -> Scene:
    """Make the composite of one date that a scene is mapped from; one that is there already is used again.

    Args:
        scene: Which item.
        bands: Names of the bands, in the order that the model wants.
        reading: How it is read.
        folder: Where composites of single scenes lie, each in a folder of its own.
        progress: Shows how far it has come.

    Returns:
        The scene as it is mapped.

    Raises:
        SceneError: If there is no such item, it lacks a band or its place, lies across the antimeridian, or its files
            can't be read.
    """
    # Who names a scene wants it, however cloudy it is and whenever it was taken.
    access = reading.access.model_copy(
        update={
            "source": "", "start": None, "end": None, "exclude": (), "max_cloud_cover": 100.0, "minimum_dates": 1,
        }
    )  # fmt: skip
    source = open_item(scene.address, access)
    if _is_signed_for(scene, source.item):
        access = access.model_copy(update={"source": PLANETARY_COMPUTER})
    region = Region(scene.name, _box(scene, source.item))
    choice = select_from(source, [region], bands, reading.compositing.mask, access)
    plans = plan_composites(choice, bands, reading.compositing, access)
    (composite,) = make_composites(plans, folder / scene.name, reading.dask, progress)
    made = composite_scene(composite)
    return Scene(made.name, made.image, scene.source, made.clear_dates, made.dates)


def _is_signed_for(scene: StacScene, item: pystac.Item) -> bool:
    """Whether an item is one of the Planetary Computer, read from there or saved as a file."""
    addresses = (scene.address, *(asset.href for asset in item.assets.values()))
    hosts = [urlsplit(address).hostname or "" for address in addresses]
    return any(host == _PLANETARY_COMPUTER_HOST or host.endswith(_STORAGE) for host in hosts)


def _box(scene: StacScene, item: pystac.Item) -> Bounds:
    """West, south, east and north of an item, in degrees of WGS 84."""
    box = item.bbox
    if not box:
        raise SceneError(f"{scene.source} has no bbox: its catalog is at fault; name another scene.")
    half = len(box) // 2
    west, south, east, north = box[0], box[1], box[half], box[half + 1]
    if west > east:  # so RFC 7946, section 5.2, tells it
        raise SceneError(
            f"{scene.source} lies across the antimeridian (its bbox reaches from {west:g} to {east:g} degrees), and "
            "such a scene can't be mapped as an item: make a composite of each side with acquisition.regions, and map "
            "these."
        )
    return west, south, east, north
