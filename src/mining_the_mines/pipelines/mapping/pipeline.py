"""Scenes of any size → probability rasters, polygons, pictures, and scores."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.mapping.nodes import (
    choose_map_model,
    choose_permits,
    choose_scenes_to_map,
    draw_map,
    list_maps,
    map_scenes,
    prepare_scenes,
    score_maps,
    sum_up_units,
)


def create_pipeline() -> Pipeline:
    """Mapping with the segmenter, or with its student."""
    models = ["segmentation.segmenter", "student.segmenter", "student.decision"]
    choose = Node(choose_map_model, [*models, "params:mapping"], "map_model", name="choose_map_model")
    return _mapping("map_model", choose)


def create_coarse_pipeline() -> Pipeline:
    """Mapping with the classifier, window by window; for data without polygons to train a segmenter on."""
    return _mapping("classification.classifier")


def _mapping(model: str, *further: Node) -> Pipeline:
    known = ["params:scene", "mine_polygons", "reference"]
    reading = ["params:compositing", "params:acquisition", "params:dask"]
    return Pipeline(
        [
            *further,
            Node(
                choose_scenes_to_map,
                ["params:scene", "test_regions"],
                "scenes_to_map",
                name="choose_scenes_to_map",
            ),
            Node(
                prepare_scenes,
                ["scenes_to_map", model, *reading, "scene_composite_folder"],
                "prepared_scenes",
                name="prepare_scenes",
            ),
            Node(
                choose_permits,
                ["params:scene", "concessions", "protected_areas"],
                "permits",
                name="choose_permits",
            ),
            Node(
                map_scenes,
                ["prepared_scenes", model, "params:mapping", "params:imagery", "permits", "params:dask", "map_folder"],
                "scene_maps",
                name="map_scenes",
            ),
            Node(list_maps, "scene_maps", "map_list", name="list_maps"),
            Node(sum_up_units, ["scene_maps", "permits"], "areas_by_unit", name="sum_up_units"),
            Node(
                score_maps,
                ["scene_maps", *known, "test_regions", "params:map_evaluation"],
                ["map_scores", "map_score_table"],
                name="score_maps",
            ),
        ],
        namespace="mapping",
        prefix_datasets_with_namespace=False,
        tags="mapping",
    ) + Pipeline(
        [
            Node(
                draw_map,
                ["scene_maps", *known, "permits", "area_estimates", "params:map_page"],
                "map_page",
                name="draw_map",
            )
        ],
        namespace="reporting",  # a box behind that of the estimates, which the page shows
        prefix_datasets_with_namespace=False,
        tags="mapping",
    )
