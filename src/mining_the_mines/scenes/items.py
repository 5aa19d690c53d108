"""What an item of a STAC catalog says of its scene, whoever's catalog it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import shapely
from pystac.utils import str_to_datetime
from shapely.errors import ShapelyError

from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.sentinel2.baseline import read_baseline

#: The sun moves 15 degrees an hour.
_DEGREES_AN_HOUR: Final = 15
#: The tile in the names of ESA's products, such as ``S2A_MSIL2A_20220103T140051_N0301_R067_T21MUN_20220103T180000``.
_PRODUCT_TILE: Final = re.compile(r"_T?(\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?:_|$)")


@dataclass(frozen=True)
class SceneFacts:
    """What is known of a scene.

    Attributes:
        item: Its id in the catalog.
        moment: When it was taken, UTC.
        platform: Satellite, such as ``sentinel-2a``, if the catalog says.
        baseline: Processing baseline as ``05.10``, if the catalog says.
        cloud_cover: Per cent; NaN if the catalog does not say.
        tile: MGRS tile as ``21MUN``, if the catalog says.
        created: When the product or its item was made; empty if the catalog does not say.
        footprint: Polygon of its data in degrees of WGS 84, longitude first; ``None`` if the catalog does not say.
    """

    item: str
    moment: datetime
    platform: str | None
    baseline: str | None
    cloud_cover: float
    tile: str | None
    created: str
    footprint: shapely.Geometry | None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "SceneFacts":
        """Read them from an item's JSON.

        Raises:
            SceneError: If it has no date.
        """
        properties = item["properties"]
        moment = properties.get("datetime") or properties.get("start_datetime")
        try:
            taken = str_to_datetime(moment)
        except (ValueError, TypeError, OverflowError) as error:
            raise SceneError(
                f"The scene {item['id']} has no date ({moment!r}): its catalog is at fault; name it in "
                "acquisition.exclude."
            ) from error
        baseline = read_baseline(properties, str(item["id"]))
        return cls(
            item=str(item["id"]),
            moment=taken.astimezone(UTC) if taken.tzinfo else taken.replace(tzinfo=UTC),
            platform=(_text(properties.get("platform")) or "").lower() or None,
            baseline=baseline.version if baseline else None,
            cloud_cover=_number(properties.get("eo:cloud_cover")),
            tile=_tile(item),
            created=_text(properties.get("s2:generation_time") or properties.get("created")) or "",
            footprint=_footprint(item),
        )

    @property
    def when(self) -> str:
        """The moment as it is written down."""
        return written_moment(self.moment)

    def day(self, longitude: float) -> date:
        """The local day by the sun: granules of one pass share it, even where UTC's day changes in between.

        Args:
            longitude: Where, in degrees.

        Returns:
            The date there.
        """
        return (self.moment + timedelta(hours=longitude / _DEGREES_AN_HOUR)).date()


def written_moment(moment: datetime) -> str:
    """Write a moment as lists of scenes do: ``2022-01-03T14:00:00Z``."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def stated_epsg(properties: Mapping[str, Any]) -> int | None:
    """Read which coordinate reference system a scene says it is in.

    Args:
        properties: Of the item, as in its JSON; the projection extension calls it ``proj:code``, before ``proj:epsg``.

    Returns:
        The EPSG code; ``None`` if it gives none.
    """
    text = str(properties.get("proj:code") or properties.get("proj:epsg") or "").upper().removeprefix("EPSG:")
    return int(text) if text.isdecimal() else None


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _product_names(item: Mapping[str, Any]) -> list[str]:
    properties = item["properties"]
    names = (properties.get("s2:product_uri"), properties.get("sentinel:product_id"), item["id"])
    return [str(name).removesuffix(".SAFE") for name in names if name]


def _tile(item: Mapping[str, Any]) -> str | None:
    properties = item["properties"]
    named = str(properties.get("s2:mgrs_tile") or properties.get("grid:code") or "").upper().removeprefix("MGRS-")
    if named:
        return named.removeprefix("T")
    for prefix, band, square in (
        ("mgrs", "latitude_band", "grid_square"),  # Earth Search v1
        ("sentinel", "latitude_band", "grid_square"),  # Earth Search v0
    ):
        parts = [properties.get(f"{prefix}:{part}") for part in ("utm_zone", band, square)]
        if all(parts):
            return "".join(str(part) for part in parts)
    for name in _product_names(item):
        found = _PRODUCT_TILE.search(name)
        if found:
            return found[1]
    return None


def _footprint(item: Mapping[str, Any]) -> shapely.Geometry | None:
    """The scene's polygon, else its box; a broken polygon is mended, a box across the antimeridian is not believed."""
    if item.get("geometry"):
        try:
            drawn = shapely.make_valid(shapely.geometry.shape(item["geometry"]))
        except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
            drawn = None
        if drawn is not None and drawn.area > 0:
            return drawn
    box = item.get("bbox") or []
    if len(box) == 6:  # with heights
        box = [*box[0:2], *box[3:5]]
    return shapely.box(*box) if len(box) == 4 and box[0] < box[2] else None
