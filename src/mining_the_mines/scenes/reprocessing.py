"""Scenes that an archive holds more than once, because they were processed again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import shapely

from mining_the_mines.scenes.items import SceneFacts

#: Granules of one tile that a satellite took within this time belong to one pass; its next one is 100 minutes away.
#: Two processings of a pass may differ by seconds: some archives give the start of the pass, some that of the granule.
_ONE_PASS: Final = timedelta(minutes=10)
#: A scene of which newer ones show this share of the ground adds nothing. The granules of a pass that is cut in two by
#: a change of the receiving station share less.
_SAME_GROUND: Final = 0.95


def find_replaced(scenes: Sequence[SceneFacts]) -> dict[str, tuple[str, ...]]:
    """Find the scenes that were processed again.

    Of the scenes that one satellite took of one tile in one pass, the newest baseline counts, then the newest product,
    then the greatest id. An older one that shows ground of its own is no double.

    Args:
        scenes: Of one region.

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
    baseline = tuple(int(part) for part in scene.baseline.split(".")) if scene.baseline else ()
    return baseline, scene.created, scene.item


def _same_pass(first: SceneFacts, second: SceneFacts) -> bool:
    return (
        first.tile == second.tile
        and first.platform == second.platform
        and abs(first.moment - second.moment) <= _ONE_PASS
    )


def _shown_by(scene: SceneFacts, newer: Sequence[SceneFacts]) -> bool:
    """Whether newer scenes show the ground of this one; where nobody says what they show, they do."""
    footprints = [other.footprint for other in newer if other.footprint is not None]
    if scene.footprint is None or not footprints:
        return True
    shared = shapely.area(shapely.intersection(scene.footprint, shapely.union_all(footprints)))
    return bool(shared >= _SAME_GROUND * shapely.area(scene.footprint))
