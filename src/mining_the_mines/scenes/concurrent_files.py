"""Doing something with the files of each scene, several at a time; what fails costs a scene, not the run."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pandas as pd

from mining_the_mines.core.progress import Progress
from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.scene_list import ItemJson, SceneChoice, left_out, left_out_table

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Failed:
    """Why nothing came of a scene."""

    reason: str


def each_scene(
    do: Callable[[ItemJson], ItemJson],
    choice: SceneChoice,
    workers: int,
    progress: Progress,
    description: str,
) -> SceneChoice:
    """Do something with each scene, once, however many regions it is chosen for.

    Args:
        do: From a scene to what is to stand in its place; a ``SceneError`` is the reason to leave it out.
        choice: The scenes.
        workers: How many at a time.
        progress: Shows how far it has come.
        description: What is done, for people.

    Returns:
        What has come of the scenes; those for which it failed are listed among what is left out.
    """
    different = {_key(item): item for items in choice.items.values() for item in items}
    results: dict[str, ItemJson | _Failed] = {}
    pool = ThreadPoolExecutor(workers, thread_name_prefix="scenes")
    try:
        futures: dict[str, Future[ItemJson]] = {key: pool.submit(do, item) for key, item in different.items()}
        for key in progress(list(futures), description):
            try:
                results[key] = futures[key].result()
            except SceneError as error:
                reason = str(error).rstrip(".")
                results[key] = _Failed(reason)
                logger.warning("The scene %s is left out: %s.", different[key]["id"], reason)
    finally:
        pool.shutdown(cancel_futures=True)  # an error that stops the run does not wait for what was still to be done
    return _sorted_out(choice, results)


def _key(item: ItemJson) -> str:
    return f"{item.get('collection')}/{item['id']}"


def _sorted_out(choice: SceneChoice, results: dict[str, ItemJson | _Failed]) -> SceneChoice:
    items: dict[str, tuple[ItemJson, ...]] = {}
    rows = []
    for region in choice.regions:
        done = []
        for item in choice.items[region.name]:
            result = results[_key(item)]
            if isinstance(result, _Failed):
                when = SceneFacts.of(item).when
                rows.append(left_out(region.name, item["id"], when, reason=f"a file: {result.reason}"))
            else:
                done.append(result)
        items[region.name] = tuple(done)
    listed = pd.concat([choice.left_out, left_out_table(rows)], ignore_index=True)
    return SceneChoice(choice.source, choice.regions, items, listed)
