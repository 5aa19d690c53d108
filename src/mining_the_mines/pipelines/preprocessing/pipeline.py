"""Raw chips → manifest → folds, one packed array, band statistics."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.preprocessing.nodes import assign_folds, judge_chips, measure_bands, pack_chips


def create_pipeline() -> Pipeline:
    """Preprocessing, the same for every task."""
    return Pipeline(
        [
            Node(judge_chips, ["raw_chips", "params:imagery"], ["manifest", "rejected_chips"], name="judge_chips"),
            Node(assign_folds, ["manifest", "params:folds"], "folds", name="assign_folds"),
            Node(pack_chips, ["raw_chips", "manifest", "params:imagery"], "packed_chips", name="pack_chips"),
            Node(measure_bands, ["packed_chips", "folds"], "band_statistics", name="measure_bands"),
        ],
        tags="preprocessing",
    )
