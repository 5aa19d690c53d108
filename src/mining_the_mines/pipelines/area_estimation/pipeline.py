"""A sample and its answers → areas and accuracies with intervals."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.area_estimation.nodes import estimate_areas, judge_places


def create_pipeline() -> Pipeline:
    """Estimation of areas from the last sample."""
    maps = ["map_folder", "monitored_map_folder"]
    return Pipeline(
        [
            Node(
                judge_places,
                ["sample", "review_answers", "true_answers", *maps, "params:area_estimation"],
                ["judged_places", "reviewer_agreement", "disagreements"],
                name="judge_places",
            ),
            Node(
                estimate_areas,
                ["judged_places", "sample_strata", "true_areas", "params:area_estimation"],
                "area_estimates",
                name="estimate_areas",
            ),
        ],
        namespace="area_estimation",
        prefix_datasets_with_namespace=False,
        tags="area_estimation",
    )
