"""Scenes → composites → chips → manifest → folds, one packed array, band statistics; outlines → masks → windows."""

from collections.abc import Callable, Collection
from typing import Final

from kedro.pipeline import Node, Pipeline

from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.pipelines.chip_source import ARCHIVE, PREBUILT, SIMULATION, ChipSource
from mining_the_mines.pipelines.preprocessing.nodes import (
    assign_folds,
    check_labelling,
    check_polygons,
    composite_scenes,
    cut_chips,
    cut_windows,
    describe_masks,
    draw_masks,
    judge_chips,
    measure_bands,
    pack_chips,
)
from mining_the_mines.pipelines.tasks import SEGMENTATION, TASKS, Task

#: What both tasks share stands together in Kedro-Viz; its datasets keep their names.
_STAGE: Final = "preprocessing"


def create_pipeline(tasks: Collection[Task] = TASKS, origin: ChipSource = SIMULATION) -> Pipeline:
    """Preprocessing: chips are the same for every task, masks are for outlines only.

    Args:
        tasks: What is asked about the chips.
        origin: Where they come from.
    """
    chips = Pipeline(
        [
            Node(judge_chips, ["raw_chips", "params:imagery"], ["manifest", "rejected_chips"], name="judge_chips"),
            Node(assign_folds, ["manifest", "params:folds"], "folds", name="assign_folds"),
            Node(pack_chips, ["raw_chips", "manifest", "params:imagery"], "packed_chips", name="pack_chips"),
            Node(measure_bands, ["packed_chips", "folds"], "band_statistics", name="measure_bands"),
        ],
        namespace=_STAGE,
        prefix_datasets_with_namespace=False,
        tags="preprocessing",
    )
    masks = _mask_pipeline() if SEGMENTATION in tasks else Pipeline([])
    return create_compositing(origin) + _first(check_labelling, origin) + chips + masks


def create_compositing(origin: ChipSource = SIMULATION) -> Pipeline:
    """Scenes become composites, and composites chips; nothing, where chips were handed over."""
    if origin == PREBUILT:
        return Pipeline([])
    settings = ["params:imagery", "params:compositing", "params:acquisition", "params:dask"]
    return _first(check_polygons, origin) + Pipeline(
        [
            Node(composite_scenes, ["scenes", *settings, "mine_polygons"], "composites", name="composite_scenes"),
            Node(
                cut_chips,
                ["composites", "mine_polygons", "chip_places", "params:cutting"],
                "raw_chips",
                name="cut_chips",
            ),
        ],
        namespace=_STAGE,
        prefix_datasets_with_namespace=False,
        tags="preprocessing",
    )


def _first(check: Callable[[MinePolygons | None], None], origin: ChipSource) -> Pipeline:
    """A look at the outlines before scenes of an archive are chosen; simulated ones are made with their scenes.

    Of the nodes that wait for no other, Kedro runs those first whose names come first; so it stands with acquisition.
    """
    if origin != ARCHIVE:
        return Pipeline([])
    return Pipeline(
        [Node(check, "mine_polygons", None, name=check.__name__)],
        namespace="acquisition",
        prefix_datasets_with_namespace=False,
        tags="preprocessing",
    )


def _mask_pipeline() -> Pipeline:
    nodes = [
        Node(
            draw_masks,
            ["raw_chips", "packed_chips", "mine_polygons", "params:masks"],
            ["masks", "polygon_inventory"],
            name="draw_masks",
        ),
        Node(
            describe_masks,
            ["raw_chips", "packed_chips", "masks", "mine_polygons", "params:masks"],
            "mask_table",
            name="describe_masks",
        ),
        Node(
            cut_windows,
            ["packed_chips", "masks", "mine_polygons", "folds", "params:windows"],
            "windows",
            name="cut_windows",
        ),
    ]
    return Pipeline(
        nodes,
        namespace=SEGMENTATION,
        inputs={"raw_chips", "packed_chips", "mine_polygons", "folds"},
        tags="preprocessing",
    )
