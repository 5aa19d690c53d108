"""Select the scenes that composites are made of, with a reason for each scene that is left out."""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pandas as pd
import pystac
import shapely

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.core.redaction import redact_all, without_secrets
from mining_the_mines.scenes.items import (
    MissingAssetError,
    SceneFacts,
    find_asset,
    find_mask,
    foreign_sensor,
    processing_level,
    stated_epsg,
    written_moment,
)
from mining_the_mines.scenes.regions import Region, read_regions
from mining_the_mines.scenes.scene_list import ItemJson, SceneSelection, left_out, left_out_table
from mining_the_mines.scenes.search import SceneSource, SingleItem, open_source
from mining_the_mines.scenes.settings import AcquisitionSettings
from mining_the_mines.scenes.stac_documents import BrokenItem, resolve
from mining_the_mines.sentinel2.baseline import is_esa_baseline, read_baseline

logger = logging.getLogger(__name__)

#: Number of left-out scenes that an error quotes, one for each kind of reason.
_EXAMPLES: Final = 3
_NO_MASK: Final = "no mask"
#: Granules of one tile that a satellite took within this time belong to one pass; its next one is 100 minutes away.
#: Two processings of a pass may differ by seconds: some archives give the start of the pass, some that of the granule.
_ONE_PASS: Final = timedelta(minutes=10)
#: A scene adds nothing if newer ones show this share of its ground. The granules of a pass that a change of the
#: receiving station cuts in two share less.
_SAME_GROUND: Final = 0.95


class TooFewScenesError(SceneError):
    """No region has scenes of enough days."""


class _LeftOutError(SceneError):
    """A scene that is not used; the message is the reason."""


def select_scenes(
    settings: AcquisitionSettings,
    bands: Sequence[str],
    mask: str | None,
    progress: Progress = silent,
    optional: Sequence[str] = (),
) -> SceneSelection:
    """Search a catalog for scenes of each region, and select those that composites are made of.

    Of scenes that were processed more than once, the newest baseline is used. Granules of one day are all used: the
    composite joins them. A region with scenes of too few days is left out, as long as another has enough.

    Args:
        settings: Catalog, regions, dates and cloud cover.
        bands: Names of the bands that a scene must have.
        mask: Cloud mask that a scene must have: ``scl`` for the scene classification, whatever its key, or the key of
            another asset; ``None`` for none.
        progress: Shows the regions that are searched.
        optional: Names of further bands, of scenes that have them.

    Returns:
        The scenes of each region in order of time, and those that are not used, each with the reason.

    Raises:
        SceneError: The catalog does not answer, the regions can't be read, or no region has scenes of enough days.
    """
    if settings.regions is None:
        raise SceneError(
            "No region says where scenes are wanted: name a vector file in acquisition.regions, or boxes by name "
            "(west, south, east, north in degrees)."
        )
    regions = read_regions(settings.regions)
    source = open_source(settings, settings.collection)
    return select_from(source, regions, bands, mask, settings, progress, optional)


def select_from(
    source: SceneSource,
    regions: Sequence[Region],
    bands: Sequence[str],
    mask: str | None,
    settings: AcquisitionSettings,
    progress: Progress = silent,
    optional: Sequence[str] = (),
) -> SceneSelection:
    """Select scenes of an open catalog; see :func:`select_scenes`."""
    items: dict[str, tuple[ItemJson, ...]] = {}
    rows: list[dict[str, str]] = []
    for region in progress(list(regions), f"Searching {source.name}"):
        search = _RegionSearch(source, region, tuple(bands), mask, settings, tuple(optional))
        items[region.name] = search.select()
        rows += search.left_out
    unknown = set(settings.exclude) - {row["item"] for row in rows}
    if unknown:
        logger.warning("acquisition.exclude names %s, which the search did not find.", ", ".join(sorted(unknown)))
    selection = SceneSelection(source.name, tuple(regions), items, left_out_table(rows))
    if isinstance(source, SingleItem) and not any(items.values()) and rows:
        reason = rows[0]["reason"].removesuffix(".")
        ways = "".join(f"; {way}" for way in _ways_to_lacking(selection.left_out))
        raise SceneError(f"{source.name} can't be used: {reason}{ways}.")
    return keep_rich_regions(selection, settings)


def keep_rich_regions(selection: SceneSelection, settings: AcquisitionSettings) -> SceneSelection:
    """Leave out regions with scenes of too few days.

    Args:
        selection: Scenes of all regions.
        settings: Minimum number of days.

    Returns:
        The scenes of the other regions; those left out are listed.

    Raises:
        TooFewScenesError: No region has enough.
    """
    reasons = {region.name: told for region in selection.regions if (told := _too_poor(selection, region, settings))}
    if len(reasons) == len(selection.regions):
        told = "; ".join(f"{name} has {reason}" for name, reason in reasons.items())
        more = (
            f"widen acquisition.start and end, raise max_cloud_cover (now {settings.max_cloud_cover:g}), or lower "
            f"minimum_dates (now {settings.minimum_dates})"
        )
        ways = "; or ".join([*_ways_to_lacking(selection.left_out), more])
        raise TooFewScenesError(f"{selection.source} has too few scenes of every region ({told}): {ways}.")
    for name, reason in reasons.items():
        logger.warning("The region %s is left out: it has %s.", name, reason)
    kept = tuple(region for region in selection.regions if region.name not in reasons)
    rows = [left_out(name, reason=f"the whole region: it has {reason}") for name, reason in reasons.items()]
    return SceneSelection(
        selection.source,
        kept,
        {region.name: selection.items[region.name] for region in kept},
        pd.concat([selection.left_out, left_out_table(rows)], ignore_index=True),
    )


def _too_poor(selection: SceneSelection, region: Region, settings: AcquisitionSettings) -> str | None:
    days = {SceneFacts.of(item).day(region.middle[0]) for item in selection.items[region.name]}
    if len(days) >= settings.minimum_dates:
        return None
    rows = selection.left_out[(selection.left_out["region"] == region.name) & (selection.left_out["item"] != "")]
    kinds = rows["reason"].str.split(":").str[0]
    listed = ", ".join(f"{count} {kind}" for kind, count in Counter(kinds).most_common())
    if not listed:
        return f"scenes of {len(days)} days"
    # The list of left-out scenes is written with the selection, and there will be none: quote a few here.
    examples = rows[~kinds.duplicated()].head(_EXAMPLES)
    told = "; ".join(f"{item}: {reason}" for item, reason in zip(examples["item"], examples["reason"], strict=True))
    return f"scenes of {len(days)} days, besides {listed} ({told})"


def _ways_to_lacking(left: pd.DataFrame) -> list[str]:
    """Name the parameters that help where scenes lack a band or a mask: no longer period does."""
    ways = []
    if left["reason"].str.startswith(_NO_MASK).any():
        ways.append(
            "have neural networks mask clouds with compositing.clear_sky.source=csmask, or name the asset that tells "
            "clouds in compositing.mask_asset, or none"
        )
    if left["reason"].str.startswith("no band").any():
        ways.append("ask for bands that the scenes have in imagery.bands")
    return ways


@dataclass
class _RegionSearch:
    """The search for scenes of one region."""

    source: SceneSource
    region: Region
    bands: tuple[str, ...]
    mask: str | None
    settings: AcquisitionSettings
    optional: tuple[str, ...] = ()
    left_out: list[dict[str, str]] = field(default_factory=list)

    def select(self) -> tuple[ItemJson, ...]:
        """Judge every item of the catalog; return the selected ones in order of time."""
        found: dict[str, tuple[SceneFacts, ItemJson]] = {}
        judged: set[str] = set()
        for item in self.source.search(self.region, self.settings.start, self.settings.end):
            if isinstance(item, BrokenItem):
                self._leave_out(item.item, "", f"broken: {item.reason}")
                continue
            when = written_moment(item.datetime) if item.datetime else ""
            if item.id in judged:
                self._leave_out(item.id, when, "given twice: the catalog lists it more than once")
                continue
            judged.add(item.id)
            try:
                found[item.id] = self._judge(item)
            except _LeftOutError as reason:
                self._leave_out(item.id, when, str(reason))
        _log_zones(self.region, [fields for _, fields in found.values()])
        _doubt_levels(self.region, [fields for _, fields in found.values()])
        selected = self._clear(self._newest([facts for facts, _ in found.values()]))
        self.left_out.sort(key=lambda row: (row["datetime"], row["item"], row["reason"]))
        return tuple(found[facts.item][1] for facts in sorted(selected, key=lambda facts: (facts.moment, facts.item)))

    def _leave_out(self, item: str, when: str, reason: str) -> None:
        self.left_out.append(left_out(self.region.name, item, when, reason=reason))

    def _judge(self, item: pystac.Item) -> tuple[SceneFacts, ItemJson]:
        if item.id in self.settings.exclude:
            raise _LeftOutError("excluded: acquisition.exclude names it")
        fields = item.to_dict(include_self_link=False, transform_hrefs=False)
        try:
            facts = SceneFacts.of(fields)
        except SceneError as error:
            raise _LeftOutError(f"broken: {error}") from error
        other = foreign_sensor(fields["properties"])
        if other is not None:
            raise _LeftOutError(f"another sensor: {other} has other bands than Sentinel-2")
        start, end = self.settings.start, self.settings.end
        # A server may count days in UTC or by the sun; either is good.
        days = {facts.moment.date(), facts.day(self.region.middle[0])}
        if (start and max(days) < start) or (end and min(days) > end):
            raise _LeftOutError("outside the period: the catalog gave it all the same")
        if facts.footprint is not None and not shapely.intersects(facts.footprint, shapely.box(*self.region.bounds)):
            raise _LeftOutError("outside the region: its data does not reach there")
        return facts, self._trim(item, fields, facts)

    def _trim(self, item: pystac.Item, fields: dict[str, Any], facts: SceneFacts) -> ItemJson:
        """The item's JSON with the needed assets only, at absolute addresses without signatures.

        A processing baseline that only the scene's name gives becomes a property: readers of bands see no name.
        """
        base = item.get_self_href() or ""
        plain = redact_all(_without_nan(fields))  # addresses other than those of assets may be signed, too
        assets = {}
        for key in self._assets(item):
            try:
                href = resolve(item.assets[key].href, base, local=self.source.local)
            except SceneError as error:
                raise _LeftOutError(f"an address that can't be used: {error}") from error
            assets[key] = {**plain["assets"][key], "href": without_secrets(href)}
        own = {"rel": "self", "href": without_secrets(base), "type": "application/geo+json"}
        if facts.baseline and read_baseline(plain["properties"]) is None:
            plain["properties"]["s2:processing_baseline"] = facts.baseline
        return {**plain, "links": [own], "assets": assets}

    def _assets(self, item: pystac.Item) -> Iterator[str]:
        """Keys of the needed assets."""
        held = ", ".join(item.assets) or "none"
        for band in self.bands:
            try:
                yield find_asset(item, band)
            except MissingAssetError as error:
                raise _LeftOutError(f"no band {band}: it has {held}") from error
        for band in self.optional:
            with suppress(MissingAssetError):
                yield find_asset(item, band)
        if self.mask is not None:
            try:
                yield find_mask(item, self.mask)
            except MissingAssetError as error:
                raise _LeftOutError(f"{_NO_MASK} {self.mask}: it has {held}") from error

    def _newest(self, scenes: Sequence[SceneFacts]) -> list[SceneFacts]:
        """Leave out scenes whose ground a newer processing of the same pass shows."""
        replaced = find_replaced(scenes)
        for scene in scenes:
            if scene.item in replaced:
                newer = ", ".join(replaced[scene.item])
                self._leave_out(scene.item, scene.when, f"processed again: {newer} shows the same, in a newer version")
        return [scene for scene in scenes if scene.item not in replaced]

    def _clear(self, scenes: Iterable[SceneFacts]) -> list[SceneFacts]:
        """Leave out scenes that are too cloudy; those whose cloud cover is unknown (NaN) stay."""
        limit, clear = self.settings.max_cloud_cover, []
        for scene in scenes:
            if scene.cloud_cover > limit:
                reason = f"too cloudy: {scene.cloud_cover:.1f} % where {limit:g} % are allowed"
                self._leave_out(scene.item, scene.when, reason)
            else:
                clear.append(scene)
        return clear


def find_replaced(scenes: Sequence[SceneFacts]) -> dict[str, tuple[str, ...]]:
    """Find the scenes that were processed again.

    Of the scenes that one satellite took of one tile in one pass, the newest of ESA's baselines counts, then the newest
    product, then the greatest id. A baseline that is none of ESA's counts as the oldest. An older scene that shows
    ground of its own is kept.

    Args:
        scenes: Scenes of one region.

    Returns:
        Ids of the scenes that are replaced, each with the ids of those that replace it.
    """
    kept: list[SceneFacts] = []
    replaced: dict[str, tuple[str, ...]] = {}
    for scene in sorted(scenes, key=_newness, reverse=True):
        newer = [other for other in kept if _same_pass(other, scene)]
        if newer and _shown_by(scene, newer):
            replaced[scene.item] = tuple(other.item for other in newer)
        else:
            kept.append(scene)
    return replaced


def _newness(scene: SceneFacts) -> tuple[tuple[int, ...], str, str]:
    # One's own Sen2Cor calls its baseline 99.99, which is no newer version of ESA's processing.
    version = scene.baseline if scene.baseline and is_esa_baseline(scene.baseline) else ""
    return tuple(int(part) for part in version.split(".") if part), scene.created, scene.item


def _same_pass(first: SceneFacts, second: SceneFacts) -> bool:
    same_tile = first.tile == second.tile and first.platform == second.platform
    return same_tile and abs(first.moment - second.moment) <= _ONE_PASS


def _shown_by(scene: SceneFacts, newer: Sequence[SceneFacts]) -> bool:
    """Whether newer scenes show the ground of this one; unknown footprints are taken to be the same."""
    footprints = [other.footprint for other in newer if other.footprint is not None]
    if scene.footprint is None or not footprints:
        return True
    shared = shapely.area(shapely.intersection(scene.footprint, shapely.union_all(footprints)))
    return bool(shared >= _SAME_GROUND * shapely.area(scene.footprint))


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace numbers that JSON lacks (NaN, infinity) by null."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _log_zones(region: Region, scenes: Sequence[ItemJson]) -> None:
    codes = Counter(f"EPSG:{code}" for scene in scenes if (code := stated_epsg(scene["properties"])))
    if len(codes) > 1:
        listed = ", ".join(f"{count} in {code}" for code, count in codes.most_common())
        logger.info("Scenes of %s lie in several coordinate systems (%s): they are warped to one.", region.name, listed)


def _doubt_levels(region: Region, scenes: Sequence[ItemJson]) -> None:
    """Warn of reflectance at the top of the atmosphere among that of the surface."""
    levels = Counter(level for scene in scenes if (level := processing_level(scene)))
    if len(levels) > 1:
        listed = ", ".join(f"{count} of {level}" for level, count in sorted(levels.items()))
        logger.warning(
            "Scenes of %s have several processing levels (%s), whose reflectance differs by the atmosphere: name the "
            "collection of one in acquisition.collection.",
            region.name,
            listed,
        )
