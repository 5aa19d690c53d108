"""Scenes → a composite a region → chips, labelled where there are polygons."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.compositing.nodes import check_polygons, cut_chips, make_composites


def create_pipeline() -> Pipeline:
    """Compositing, and the cutting of chips.

    The polygons are read before any scene is asked for. Kedro runs nodes that could run at the same time in the order
    of their names, so this check belongs to the namespace ``acquisition``.
    """
    check = Pipeline(
        [Node(check_polygons, ["mine_polygons", "simulated_series"], None, name="check_polygons")],
        namespace="acquisition",
        prefix_datasets_with_namespace=False,
        tags="compositing",
    )
    return check + Pipeline(
        [
            Node(
                make_composites,
                [
                    "scenes",
                    "params:imagery",
                    "params:compositing",
                    "params:acquisition",
                    "params:dask",
                    "composites_folder",
                    "mine_polygons",
                ],
                "composites",
                name="make_composites",
            ),
            Node(
                cut_chips,
                ["composites", "mine_polygons", "chip_places", "corrections", "params:cutting", "drafts"],
                "raw_chips",
                name="cut_chips",
            ),
        ],
        namespace="compositing",
        prefix_datasets_with_namespace=False,
        tags="compositing",
    )
