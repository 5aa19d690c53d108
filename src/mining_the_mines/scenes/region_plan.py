"""What the composite of a region depends on, and the blocks that it is made in."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pystac
from odc.geo.geobox import GeoBox

from mining_the_mines.core.hashing import file_hash
from mining_the_mines.scenes.compositing import CompositingSettings
from mining_the_mines.scenes.http import AccessSettings
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.reading import SceneStack
from mining_the_mines.scenes.region_grid import middle_longitude, region_grid
from mining_the_mines.scenes.scene_list import SceneChoice

#: Goes up when the same scenes and settings begin to give another composite.
VERSION: Final = 1


@dataclass(frozen=True)
class RegionPlan:
    """All that the composite of a region depends on.

    Attributes:
        region: Its name.
        grid: Of the composite.
        items: Scenes as STAC JSON, in order of time.
        bands: Names of the bands, in the order wanted.
        settings: What is masked, and how dates become one.
        access: How assets are reached; plays no part in the result.
        minimum_dates: A composite of scenes of fewer days is none.
    """

    region: str
    grid: GeoBox
    items: tuple[dict[str, Any], ...]
    bands: tuple[str, ...]
    settings: CompositingSettings
    access: AccessSettings
    minimum_dates: int = 1

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of all that the pixels depend on: grid, settings, and scenes with their addresses.

        Of files on disk, what is in them counts, and not where they lie: they may be replaced, or be a copy. How large
        blocks are does not count.
        """
        content = {
            "version": VERSION,
            "grid": [str(self.grid.crs), *self.grid.transform[:6], *self.grid.shape],
            "items": [_wherever_it_lies(item) for item in self.items],
            "bands": self.bands,
            "settings": self.settings.model_dump(mode="json", exclude={"block"}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def stack(self) -> SceneStack:
        """The scenes, ready to be read."""
        items = [pystac.Item.from_dict(item) for item in self.items]
        return SceneStack.of(items, self.bands, self.grid, self.settings.mask, self.access)

    @cached_property
    def scenes(self) -> tuple[SceneFacts, ...]:
        """What is known of each scene."""
        return tuple(SceneFacts.of(item) for item in self.items)

    @cached_property
    def longitude(self) -> float:
        """Of the region's middle, which local time is told by."""
        return middle_longitude(self.grid)

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Rows and columns of each block."""
        height, width = self.grid.shape
        for rows in _edges(height, self.settings.block):
            for columns in _edges(width, self.settings.block):
                yield rows, columns


def plan_composites(
    choice: SceneChoice,
    bands: Sequence[str],
    settings: CompositingSettings,
    access: AccessSettings,
    minimum_dates: int = 1,
) -> tuple[RegionPlan, ...]:
    """Lay out the composites of all regions.

    Args:
        choice: Scenes of each region.
        bands: Names of the bands, in the order wanted.
        settings: What is masked, and how dates become one.
        access: How assets are reached.
        minimum_dates: A composite of scenes of fewer days is none.

    Returns:
        A plan a region.

    Raises:
        SceneError: If a region's grid can't be laid out.
    """
    return tuple(
        RegionPlan(
            region=region.name,
            grid=region_grid(region, choice.scenes(region.name)),
            items=tuple(choice.items[region.name]),
            bands=tuple(bands),
            settings=settings,
            access=access,
            minimum_dates=minimum_dates,
        )
        for region in choice.regions
    )


def _wherever_it_lies(item: dict[str, Any]) -> dict[str, Any]:
    """A scene with hashes of files in place of their addresses, where they lie on disk."""
    assets = {key: {**asset, "href": _identity(asset["href"])} for key, asset in item["assets"].items()}
    return {**item, "links": [], "assets": assets}


def _identity(href: str) -> str:
    """What tells a file from others; of those elsewhere, nothing but their address is known before they are read."""
    path = Path(href.removeprefix("file://"))
    return file_hash(path) if "://" not in str(path) and path.is_file() else href


def _edges(length: int, block: int) -> list[slice]:
    """Divide a side into blocks; a sliver at the end, which costs as many openings of files, joins the one before."""
    starts = list(range(0, length, block))
    if len(starts) > 1 and length - starts[-1] < block // 4:
        starts.pop()
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], length], strict=True)]
