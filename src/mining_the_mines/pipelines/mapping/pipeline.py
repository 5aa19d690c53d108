"""Scenes of any size → rasters of probability, polygons, pictures, and how good they are."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.mapping.nodes import (
    arrange_reading,
    choose_scenes_to_map,
    draw_map,
    list_maps,
    map_scenes,
    score_maps,
    sum_up_units,
)


def create_pipeline() -> Pipeline:
    """Mapping with the segmenter."""
    return _mapping("segmentation.segmenter")


def create_coarse_pipeline() -> Pipeline:
    """Mapping with the classifier, window by window; for data without polygons to train a segmenter on."""
    return _mapping("classification.classifier")


def _mapping(model: str) -> Pipeline:
    layers = ["concessions", "protected_areas"]
    known = ["params:scene", "mine_polygons", "reference"]
    return Pipeline(
        [
            Node(
                choose_scenes_to_map,
                ["params:scene", "test_regions"],
                "scenes_to_map",
                name="choose_scenes_to_map",
            ),
            Node(
                arrange_reading,
                ["params:compositing", "params:dask", "params:acquisition"],
                "scene_reading",
                name="arrange_reading",
            ),
            Node(
                map_scenes,
                ["scenes_to_map", model, "scene_reading", "params:mapping", *layers],
                "scene_maps",
                name="map_scenes",
            ),
            Node(list_maps, "scene_maps", "map_list", name="list_maps"),
            Node(sum_up_units, ["scene_maps", *layers], "areas_by_unit", name="sum_up_units"),
            Node(
                score_maps,
                ["scene_maps", *known, "test_regions", "params:map_evaluation"],
                ["map_scores", "map_score_table"],
                name="score_maps",
            ),
            Node(draw_map, ["scene_maps", *known, *layers, "params:map_page"], "map_page", name="draw_map"),
        ],
        namespace="mapping",
        prefix_datasets_with_namespace=False,
        tags="mapping",
    )
