"""A STAC archive, or a simulated one → the scenes that composites are made of."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.acquisition.nodes import check_scenes, select_scenes, simulate_archive


def create_pipeline() -> Pipeline:
    """Acquisition of scenes; the archive is simulated first where the parameters name no other."""
    return Pipeline(
        [
            Node(
                simulate_archive,
                ["params:acquisition", "params:simulation", "archive_folder"],
                "simulated_series",
                name="simulate_archive",
            ),
            Node(
                select_scenes,
                [
                    "params:acquisition",
                    "params:imagery",
                    "params:compositing",
                    "simulated_series",
                    "archive_folder",
                ],
                "selected_scenes",
                name="select_scenes",
            ),
            Node(
                check_scenes,
                ["selected_scenes", "params:acquisition", "scene_assets"],
                ["scenes", "scene_table", "left_out_scenes"],
                name="check_scenes",
            ),
        ],
        namespace="acquisition",
        prefix_datasets_with_namespace=False,
        tags="acquisition",
    )
