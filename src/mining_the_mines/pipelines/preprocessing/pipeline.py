"""Raw chips → manifest → folds, one packed array, band statistics; outlines → masks → windows."""

from collections.abc import Collection

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.preprocessing.nodes import (
    assign_folds,
    cut_windows,
    describe_masks,
    draw_masks,
    judge_chips,
    measure_bands,
    pack_chips,
)
from mining_the_mines.pipelines.tasks import SEGMENTATION, TASKS, Task


def create_pipeline(tasks: Collection[Task] = TASKS) -> Pipeline:
    """Preprocessing: chips are the same for every task, masks are for outlines only."""
    chips = Pipeline(
        [
            Node(judge_chips, ["raw_chips", "params:imagery"], ["manifest", "rejected_chips"], name="judge_chips"),
            Node(assign_folds, ["manifest", "params:folds"], "folds", name="assign_folds"),
            Node(pack_chips, ["raw_chips", "manifest", "params:imagery"], "packed_chips", name="pack_chips"),
            Node(measure_bands, ["packed_chips", "folds"], "band_statistics", name="measure_bands"),
        ],
        tags="preprocessing",
    )
    return chips + _mask_pipeline() if SEGMENTATION in tasks else chips


def _mask_pipeline() -> Pipeline:
    nodes = [
        Node(
            draw_masks,
            ["raw_chips", "packed_chips", "raw_outlines", "params:masks"],
            ["masks", "outline_inventory"],
            name="draw_masks",
        ),
        Node(
            describe_masks,
            ["raw_chips", "packed_chips", "masks", "raw_outlines", "params:masks"],
            "mask_table",
            name="describe_masks",
        ),
        Node(
            cut_windows,
            ["packed_chips", "masks", "raw_outlines", "folds", "params:windows"],
            "windows",
            name="cut_windows",
        ),
    ]
    return Pipeline(
        nodes,
        namespace=SEGMENTATION,
        inputs={"raw_chips", "packed_chips", "raw_outlines", "folds"},
        tags="preprocessing",
    )
