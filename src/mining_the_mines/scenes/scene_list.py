"""The chosen scenes, written down so that a rerun uses exactly these."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pystac

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.paths import find, tell
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.regions import Region

#: Columns of the table of scenes, and of those that were left out.
SCENE_COLUMNS: Final = {
    "region": "str",
    "item": "str",
    "datetime": "str",
    "platform": "str",
    "baseline": "str",
    "cloud_cover": "float64",
    "tile": "str",
}
LEFT_OUT_COLUMNS: Final = {"region": "str", "item": "str", "datetime": "str", "reason": "str"}
#: Grows when an older file can't be understood any more.
_VERSION: Final = 1

#: An item of a STAC catalog as JSON.
ItemJson = dict[str, Any]


@dataclass(frozen=True, eq=False)
class SceneChoice:
    """The scenes that composites are made of.

    Attributes:
        source: Where they come from: a preset's name, an address without secrets, or a path.
        regions: The regions that have scenes.
        items: Of each region, its scenes as STAC items, in order of time. They hold the assets that are needed, at
            absolute addresses without signatures.
        left_out: One row a scene that was found and is not used, with the columns :data:`LEFT_OUT_COLUMNS`; a whole
            region that is left out has a row without scene.
    """

    source: str
    regions: tuple[Region, ...]
    items: Mapping[str, tuple[ItemJson, ...]]
    left_out: pd.DataFrame

    def region(self, name: str) -> Region:
        """Find a region by name.

        Raises:
            SceneError: If there is none of this name.
        """
        for region in self.regions:
            if region.name == name:
                return region
        names = ", ".join(region.name for region in self.regions)
        raise SceneError(f"No scenes were chosen for a region {name!r}: there are some for {names}.")

    def scenes(self, region_name: str) -> tuple[pystac.Item, ...]:
        """Give a region's scenes as items, in order of time."""
        return tuple(pystac.Item.from_dict(item) for item in self.items[self.region(region_name).name])

    def table(self) -> pd.DataFrame:
        """List the scenes for people: one row a region and scene, with the columns :data:`SCENE_COLUMNS`."""
        rows = [_row(region.name, item) for region in self.regions for item in self.items[region.name]]
        return pd.DataFrame(rows, columns=list(SCENE_COLUMNS)).astype(SCENE_COLUMNS)

    def to_json(self, beside: Path | None = None) -> str:
        """Write everything as JSON; equal choices give equal text.

        Args:
            beside: The file that it is for: paths inside its project are told from the project's folder.
        """
        written = self._as_json()
        if beside is not None:
            written["source"] = tell(self.source, beside)
            written["items"] = _readdress(self.items, partial(tell, beside=beside))
        return json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, beside: Path | None = None) -> "SceneChoice":
        """Read what :meth:`to_json` wrote.

        Args:
            text: As it was written.
            beside: The file that it was written for.

        Raises:
            SceneError: If the text is no choice of scenes, or one of another version.
        """
        try:
            written = json.loads(text)
            version = written["version"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise SceneError("The list of chosen scenes is cut off or no such list: choose the scenes anew.") from error
        if version != _VERSION:
            raise SceneError(
                f"The list of chosen scenes has version {version} where {_VERSION} is understood: choose the scenes "
                "anew."
            )
        items = written["items"]
        if beside is not None:
            items = _readdress(items, partial(find, beside=beside))
        return cls(
            source=written["source"],
            regions=tuple(_region(region) for region in written["regions"]),
            items={name: tuple(scenes) for name, scenes in items.items()},
            left_out=left_out_table(written["left_out"]),
        )

    def _as_json(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "source": self.source,
            "regions": [
                {"name": region.name, "bounds": list(region.bounds), "epsg": region.epsg} for region in self.regions
            ],
            "items": {region.name: list(self.items[region.name]) for region in self.regions},
            "left_out": self.left_out.to_dict("records"),
        }


def left_out(region: str, item: str = "", when: str = "", *, reason: str) -> dict[str, str]:
    """Say that a scene is not used, and why; a row of :func:`left_out_table`."""
    return {"region": region, "item": item, "datetime": when, "reason": reason}


def left_out_table(rows: list[dict[str, str]]) -> pd.DataFrame:
    """Make the table of scenes that are not used."""
    return pd.DataFrame(rows, columns=list(LEFT_OUT_COLUMNS)).astype(LEFT_OUT_COLUMNS)


def _readdress(items: Mapping[str, Sequence[ItemJson]], change: Callable[[str], str]) -> dict[str, list[ItemJson]]:
    """The same scenes with other addresses of their own, and of their files."""

    def elsewhere(thing: dict[str, Any]) -> dict[str, Any]:
        return {**thing, "href": change(thing["href"])}

    return {
        region: [
            {
                **item,
                "links": [elsewhere(link) for link in item.get("links", [])],
                "assets": {key: elsewhere(asset) for key, asset in item["assets"].items()},
            }
            for item in scenes
        ]
        for region, scenes in items.items()
    }


def _row(region: str, item: ItemJson) -> dict[str, object]:
    facts = SceneFacts.of(item)
    return {
        "region": region,
        "item": facts.item,
        "datetime": facts.when,
        "platform": facts.platform or "",
        "baseline": facts.baseline or "",
        "cloud_cover": facts.cloud_cover,
        "tile": facts.tile or "",
    }


def _region(written: Mapping[str, Any]) -> Region:
    west, south, east, north = written["bounds"]
    return Region(written["name"], (west, south, east, north), written["epsg"])
