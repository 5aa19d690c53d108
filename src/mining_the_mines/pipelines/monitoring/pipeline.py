"""Scenes of each period → composites → maps of one model → sites, alerts and their files."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.mapping.nodes import choose_map_model
from mining_the_mines.pipelines.monitoring.nodes import (
    choose_period_permits,
    describe_periods,
    make_period_composites,
    make_period_maps,
    plan_period_maps,
    prepare_periods,
    request_period_scenes,
    select_period_scenes,
    simulate_changing_archive,
)
from mining_the_mines.pipelines.monitoring.output_nodes import (
    describe_monitored_maps,
    sum_up_site_units,
    tell_alerts,
    write_site_files,
)
from mining_the_mines.pipelines.monitoring.page_nodes import draw_sites
from mining_the_mines.pipelines.monitoring.score_nodes import score_sites
from mining_the_mines.pipelines.monitoring.site_nodes import join_period_sites


def create_pipeline() -> Pipeline:
    """Monitoring with the segmenter, or with its student."""
    return Pipeline(
        [*_maps_of_periods(), *_sites(), *_outputs(), *_scores()],
        namespace="monitoring",
        prefix_datasets_with_namespace=False,
        tags="monitoring",
    ) + Pipeline(
        [
            Node(
                draw_sites,
                ["monitored_sites", "monitored_maps", "period_permits", "area_estimates", "params:map_page"],
                "site_page",
                name="draw_sites",
            )
        ],
        namespace="reporting",  # a box behind that of the estimates, which the page shows
        prefix_datasets_with_namespace=False,
        tags="monitoring",
    )


def _maps_of_periods() -> list[Node]:
    reading = ["params:compositing", "params:acquisition", "params:dask"]
    models = ["segmentation.segmenter", "student.segmenter", "student.decision"]
    return [
        Node(
            simulate_changing_archive,
            [
                "params:acquisition",
                "params:monitoring.scenes",
                "params:monitoring.simulation",
                "changing_archive_folder",
            ],
            "changing_series",
            name="simulate_changing_archive",
        ),
        Node(
            request_period_scenes,
            [
                "params:acquisition",
                "params:imagery",
                "params:compositing",
                "params:monitoring.scenes",
                "changing_series",
                "changing_archive_folder",
                "test_regions",
            ],
            "period_request",
            name="request_period_scenes",
        ),
        Node(
            select_period_scenes,
            [
                "period_request",
                "params:monitoring.periods",
                "params:monitoring.scenes",
                "period_scene_folder",
                "scene_assets",
            ],
            "period_scenes",
            name="select_period_scenes",
        ),
        Node(
            make_period_composites,
            ["period_scenes", "params:imagery", *reading, "period_composite_folder"],
            "period_composites",
            name="make_period_composites",
        ),
        Node(
            choose_map_model, [*models, "params:monitoring.mapping"], "monitoring_model", name="choose_monitoring_model"
        ),
        Node(
            prepare_periods,
            [
                "period_composites",
                "params:monitoring.scenes",
                "monitoring_model",
                *reading,
                "scene_composite_folder",
            ],
            "prepared_periods",
            name="prepare_periods",
        ),
        Node(
            choose_period_permits,
            ["params:monitoring.scenes", "monitored_concessions", "monitored_protected_areas", "period_scenes"],
            "period_permits",
            name="choose_period_permits",
        ),
        Node(
            plan_period_maps,
            ["prepared_periods", "monitoring_model", "params:monitoring.mapping", "params:imagery", "period_permits"],
            "planned_maps",
            name="plan_period_maps",
        ),
        Node(
            make_period_maps,
            ["planned_maps", "params:monitoring.scenes", "params:dask", "monitored_map_folder"],
            "monitored_maps",
            name="make_period_maps",
        ),
        Node(describe_periods, "monitored_maps", "period_table", name="describe_periods"),
    ]


def _sites() -> list[Node]:
    return [
        Node(
            join_period_sites,
            ["monitored_maps", "known_sites", "params:monitoring.sites", "params:monitoring.confirmation"],
            ["monitored_sites", "site_register"],
            name="join_period_sites",
        )
    ]


def _outputs() -> list[Node]:
    return [
        Node(tell_alerts, ["monitored_sites", "earlier_sites"], "monitoring_alerts", name="tell_alerts"),
        Node(
            sum_up_site_units,
            ["monitored_sites", "period_permits", "monitored_units"],
            "monitoring_units",
            name="sum_up_site_units",
        ),
        Node(
            write_site_files,
            [
                "monitored_sites",
                "monitoring_alerts",
                "monitoring_units",
                "monitored_maps",
                "params:monitoring.files",
                "drafts",
            ],
            "site_files",
            name="write_site_files",
        ),
        Node(describe_monitored_maps, "monitored_maps", "monitored_map_catalog", name="describe_monitored_maps"),
    ]


def _scores() -> list[Node]:
    return [
        Node(
            score_sites,
            [
                "monitored_sites",
                "monitored_maps",
                "dated_mines",
                "simulated_mines",
                "changing_series",
                "params:monitoring.scenes",
                "params:monitoring.evaluation",
            ],
            ["site_scores", "site_score_table"],
            name="score_sites",
        )
    ]
