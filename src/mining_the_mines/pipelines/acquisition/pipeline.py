"""A STAC archive, or a simulated one → the scenes that composites are made of."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.acquisition.nodes import (
    choose_scenes,
    choose_simulated_scenes,
    list_scenes,
    reach_scenes,
)
from mining_the_mines.pipelines.chip_source import PREBUILT, SIMULATION, ChipSource


def create_pipeline(origin: ChipSource = SIMULATION) -> Pipeline:
    """Acquisition of scenes.

    Args:
        origin: Where the chips come from; chips that were handed over need no scenes.
    """
    if origin == PREBUILT:
        return Pipeline([])
    settings = ["params:acquisition", "params:imagery", "params:compositing"]
    choose = (
        Node(choose_simulated_scenes, [*settings, "simulated_series"], "chosen_scenes", name="choose_scenes")
        if origin == SIMULATION
        else Node(choose_scenes, settings, "chosen_scenes", name="choose_scenes")
    )
    return Pipeline(
        [
            choose,
            Node(reach_scenes, ["chosen_scenes", "params:acquisition"], "scenes", name="reach_scenes"),
            Node(list_scenes, "scenes", ["scene_table", "left_out_scenes"], name="list_scenes"),
        ],
        namespace="acquisition",
        prefix_datasets_with_namespace=False,
        tags="acquisition",
    )
