"""Chips → manifest → folds, one packed array, band statistics; polygons → masks → windows."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.preprocessing.nodes import (
    assign_folds,
    cut_windows,
    describe_masks,
    draw_masks,
    judge_chips,
    list_test_regions,
    measure_bands,
    pack_chips,
)


def create_pipeline() -> Pipeline:
    """Preprocessing: both tasks share the chips; only segmentation needs masks."""
    return _chips() + _masks() + _test_regions()


def _chips() -> Pipeline:
    return Pipeline(
        [
            Node(
                judge_chips,
                ["raw_chips", "unpacked_chips", "params:imagery", "rejections"],
                ["manifest", "rejected_chips"],
                name="judge_chips",
            ),
            Node(assign_folds, ["manifest", "corrections", "params:folds"], "folds", name="assign_folds"),
            Node(
                pack_chips,
                ["raw_chips", "unpacked_chips", "manifest", "params:imagery", "drafts"],
                "packed_chips",
                name="pack_chips",
            ),
            Node(measure_bands, ["packed_chips", "folds"], "band_statistics", name="measure_bands"),
        ],
        namespace="preprocessing",
        prefix_datasets_with_namespace=False,
        tags="preprocessing",
    )


def _masks() -> Pipeline:
    return Pipeline(
        [
            Node(
                draw_masks,
                [
                    "raw_chips",
                    "unpacked_chips",
                    "packed_chips",
                    "mine_polygons",
                    "corrections",
                    "params:masks",
                    "drafts",
                ],
                ["masks", "polygon_inventory"],
                name="draw_masks",
            ),
            Node(
                describe_masks,
                [
                    "raw_chips",
                    "unpacked_chips",
                    "packed_chips",
                    "masks",
                    "mine_polygons",
                    "corrections",
                    "params:masks",
                ],
                "mask_table",
                name="describe_masks",
            ),
            Node(
                cut_windows,
                ["packed_chips", "masks", "mine_polygons", "corrections", "folds", "params:windows"],
                "windows",
                name="cut_windows",
            ),
        ],
        namespace="segmentation",
        inputs={"raw_chips", "unpacked_chips", "packed_chips", "mine_polygons", "corrections", "folds", "drafts"},
        tags="preprocessing",
    )


def _test_regions() -> Pipeline:
    """The regions to map later; chips that were not cut from composites have none."""
    return Pipeline(
        [Node(list_test_regions, ["composites", "folds"], "test_regions", name="list_test_regions")],
        namespace="mapping",
        prefix_datasets_with_namespace=False,
        tags="preprocessing",
    )
