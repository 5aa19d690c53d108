"""Maps → a stratified random sample, and its answers where the truth is simulated."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.sampling.nodes import (
    answer_from_period_truth,
    answer_from_truth,
    draw_period_sample,
    draw_sample,
)


def create_pipeline() -> Pipeline:
    """A sample of the maps of scenes."""
    answer = Node(
        answer_from_truth,
        ["sample", "scene_maps", "monitored_units", "mine_polygons", "simulated_series", "params:scene"],
        ["true_answers", "true_areas"],
        name="answer_from_truth",
    )
    draw = Node(
        draw_sample,
        ["scene_maps", "monitored_units", "params:sampling", "earlier_sample"],
        ["sample", "sample_strata"],
        name="draw_sample",
    )
    return _sampling(draw, answer)


def create_period_pipeline() -> Pipeline:
    """A sample of the maps of each period."""
    draw = Node(
        draw_period_sample,
        ["monitored_maps", "monitored_units", "params:sampling", "earlier_sample"],
        ["sample", "sample_strata"],
        name="draw_period_sample",
    )
    answer = Node(
        answer_from_period_truth,
        ["sample", "monitored_maps", "monitored_units", "changing_series", "changing_archive_folder"],
        ["true_answers", "true_areas"],
        name="answer_from_period_truth",
    )
    return _sampling(draw, answer)


def _sampling(*nodes: Node) -> Pipeline:
    return Pipeline(list(nodes), namespace="sampling", prefix_datasets_with_namespace=False, tags="sampling")
