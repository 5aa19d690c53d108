"""Maps of all periods and regions as a STAC collection."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

import pystac

from mining_the_mines.core.hashing import hash_file
from mining_the_mines.mapping.scene_map import ITEM, SceneMap, SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.periods import Period

#: Name of the collection's file.
COLLECTION: Final = "collection.json"
_ID: Final = "mines-by-period"


def collect_maps(results: Iterable[PeriodResult[SceneMaps]]) -> pystac.Collection:
    """Describe maps of all periods and regions.

    Args:
        results: Maps by period.

    Returns:
        A collection with an item per period and region. Its assets are those of the map, such as ``probability`` and
        ``mines``, and the ``composite``; their addresses are absolute until :func:`write_collection` writes them. The
        time of an item is that of its images, and ``mines:period`` names its period.
    """
    results = tuple(results)
    items = [_item(each.period, found) for each in results if each.result for found in each.result.maps]
    days = [datetime.combine(day, time.min, UTC) for each in results for day in (each.period.start, each.period.end)]
    boxes = [item.bbox for item in items if item.bbox is not None]
    whole = [min(west for west, *_ in boxes), min(south for _, south, *_ in boxes),
             max(east for *_, east, _ in boxes), max(north for *_, north in boxes)]  # fmt: skip
    collection = pystac.Collection(
        _ID,
        "Probability and polygons of mines by period and region, with the composites that they were mapped from.",
        pystac.Extent(pystac.SpatialExtent([whole]), pystac.TemporalExtent([[min(days), max(days)]])),
        title="Maps of mines by period",
        license="other",
        summaries=pystac.Summaries({"mines:period": [each.period.name for each in results]}),
        keywords=["mines", "Sentinel-2"],
    )
    collection.add_items(items)
    return collection


def write_collection(collection: pystac.Collection, draft: Path, folder: Path) -> None:
    """Write a collection and its items with relative links; the same maps give the same bytes.

    Args:
        collection: Of :func:`collect_maps`.
        draft: Existing folder to write into.
        folder: Folder that the draft will be moved to; addresses of assets are relative to it.
    """
    collection.catalog_type = pystac.CatalogType.SELF_CONTAINED
    collection.normalize_hrefs(str(folder))
    for item in collection.get_items():
        item.make_asset_hrefs_relative()
    for entry in (collection, *collection.get_items()):
        place = draft / Path(entry.self_href).relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        content = entry.to_dict(include_self_link=False)
        place.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _item(period: Period, found: SceneMap) -> pystac.Item:
    item = pystac.Item.from_file(str((found.folder / ITEM).absolute()))
    item.make_asset_hrefs_absolute()
    item.clear_links()
    item.id = f"{period.name}-{found.name}"
    item.properties |= {
        "title": f"Mines in {found.name}, {period.name}",
        "mines:period": period.name,
        "mines:region": found.name,
    }
    image = found.record.scene.image
    if image.is_file():
        facts = {"file:size": image.stat().st_size, "file:checksum": f"1220{hash_file(image)}"}
        item.add_asset(
            "composite",
            pystac.Asset(str(image.absolute()), "Composite that was mapped", media_type=pystac.MediaType.COG,
                         roles=["reflectance"], extra_fields=facts),
        )  # fmt: skip
    return item
