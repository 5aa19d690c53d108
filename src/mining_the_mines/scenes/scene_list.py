"""The list of selected scenes as JSON, so that a later run can use exactly the same scenes."""

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

#: An item of a STAC catalog as JSON.
ItemJson = dict[str, Any]


@dataclass(frozen=True, eq=False)
class SceneSelection:
    """The scenes that composites are made of.

    Attributes:
        source: Name of a preset, address of a catalog without secrets, or path.
        regions: The regions that have scenes.
        items: By region, its scenes as STAC items in order of time. They hold only the assets that are needed, at
            absolute addresses without signatures.
        left_out: One row for each scene that was found and is not used, with the columns :data:`LEFT_OUT_COLUMNS`; a
            whole region that is left out has a row without scene.
    """

    source: str
    regions: tuple[Region, ...]
    items: Mapping[str, tuple[ItemJson, ...]]
    left_out: pd.DataFrame

    def region(self, name: str) -> Region:
        """Find a region by name.

        Raises:
            SceneError: There is none of this name.
        """
        for region in self.regions:
            if region.name == name:
                return region
        names = ", ".join(region.name for region in self.regions)
        raise SceneError(f"No scenes were chosen for a region {name!r}: there are some for {names}.")

    def scenes(self, region_name: str) -> tuple[pystac.Item, ...]:
        """Return the scenes of a region as items, in order of time."""
        return tuple(pystac.Item.from_dict(item) for item in self.items[self.region(region_name).name])

    def table(self) -> pd.DataFrame:
        """List the scenes: one row a region and scene, with the columns :data:`SCENE_COLUMNS`."""
        rows = [_row(region.name, item) for region in self.regions for item in self.items[region.name]]
        return pd.DataFrame(rows, columns=list(SCENE_COLUMNS)).astype(SCENE_COLUMNS)

    def to_json(self, beside: Path | None = None) -> str:
        """Write everything as JSON; equal selections give equal text.

        Args:
            beside: File that the text is for: paths inside its project are written relative to the project's folder.
        """
        address = partial(tell, beside=beside) if beside is not None else str
        written = {
            "source": address(self.source),
            "regions": [
                {"name": region.name, "bounds": list(region.bounds), "epsg": region.epsg} for region in self.regions
            ],
            "items": _readdress({region.name: self.items[region.name] for region in self.regions}, address),
            "left_out": self.left_out.to_dict("records"),
        }
        return json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, beside: Path | None = None) -> "SceneSelection":
        """Read the text that :meth:`to_json` wrote.

        Args:
            text: JSON.
            beside: File that the text was written for.

        Raises:
            SceneError: The text is no list of selected scenes.
        """
        address = partial(find, beside=beside) if beside is not None else str
        try:
            written = json.loads(text)
            items = _readdress(written["items"], address)
            return cls(
                source=written["source"],
                regions=tuple(_region(region) for region in written["regions"]),
                items={name: tuple(scenes) for name, scenes in items.items()},
                left_out=left_out_table(written["left_out"]),
            )
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise SceneError("The list of chosen scenes is cut off or no such list: choose the scenes anew.") from error


def left_out(region: str, item: str = "", when: str = "", *, reason: str) -> dict[str, str]:
    """Make a row of :func:`left_out_table`: a scene that is not used, and the reason."""
    return {"region": region, "item": item, "datetime": when, "reason": reason}


def left_out_table(rows: list[dict[str, str]]) -> pd.DataFrame:
    """Make the table of scenes that are not used."""
    return pd.DataFrame(rows, columns=list(LEFT_OUT_COLUMNS)).astype(LEFT_OUT_COLUMNS)


def _readdress(items: Mapping[str, Sequence[ItemJson]], change: Callable[[str], str]) -> dict[str, list[ItemJson]]:
    """Change the addresses of scenes and of their assets."""

    def moved(thing: dict[str, Any]) -> dict[str, Any]:
        return {**thing, "href": change(thing["href"])}

    return {
        region: [
            {
                **item,
                "links": [moved(link) for link in item.get("links", [])],
                "assets": {key: moved(asset) for key, asset in item["assets"].items()},
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
