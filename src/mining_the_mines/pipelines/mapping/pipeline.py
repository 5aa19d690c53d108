"""Scenes of any size → rasters of probability, polygons, pictures, and how good they are."""

from collections.abc import Collection

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.chip_source import PREBUILT, SIMULATION, ChipSource
from mining_the_mines.pipelines.mapping.nodes import (
    arrange_reading,
    draw_map,
    list_maps,
    map_scenes,
    score_named_maps,
    score_test_maps,
    sum_up_units,
    take_named_scenes,
    take_test_regions,
)
from mining_the_mines.pipelines.tasks import SEGMENTATION, TASKS, Task


def create_pipeline(
    tasks: Collection[Task] = TASKS, origin: ChipSource = SIMULATION, *, named: bool = False
) -> Pipeline:
    """Mapping: with the model that outlines mines, or coarsely with the one that finds them in chips.

    Args:
        tasks: What there are models for.
        origin: Where chips come from; those cut from composites leave regions that can be mapped.
        named: Whether the parameter ``scene`` names what is to be mapped.
    """
    regions = origin != PREBUILT and not named
    chosen = (
        Node(take_test_regions, ["composites", "folds"], "scenes_to_map", name="take_test_regions")
        if regions
        else Node(take_named_scenes, "params:scene", "scenes_to_map", name="take_named_scenes")
    )
    reading = ["params:compositing", "params:dask", *(["params:acquisition"] if origin != PREBUILT else [])]
    model = "segmentation.segmenter" if SEGMENTATION in tasks else "classification.classifier"
    layers = ["concessions", "protected_areas"]
    known = "mine_polygons" if regions else "reference"
    return Pipeline(
        [
            chosen,
            Node(arrange_reading, reading, "scene_reading", name="arrange_reading"),
            Node(
                map_scenes,
                ["scenes_to_map", model, "scene_reading", "params:mapping", *layers],
                "scene_maps",
                name="map_scenes",
            ),
            Node(list_maps, "scene_maps", "map_list", name="list_maps"),
            Node(sum_up_units, ["scene_maps", *layers], "areas_by_unit", name="sum_up_units"),
            Node(
                score_test_maps if regions else score_named_maps,
                ["scene_maps", known, "params:map_evaluation", *(["folds"] if regions else [])],
                ["map_scores", "map_score_table"],
                name="score_maps",
            ),
            Node(draw_map, ["scene_maps", known, *layers, "params:map_page"], "map_page", name="draw_map"),
        ],
        namespace="mapping",
        prefix_datasets_with_namespace=False,
        tags="mapping",
    )
