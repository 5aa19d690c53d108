"""Reports: one HTML page of both tasks, composites and maps, or of one task."""

from collections.abc import Mapping
from typing import Final

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.evaluation.segmentation_nodes import compare_chip_scores
from mining_the_mines.pipelines.reporting.map_nodes import (
    describe_areas,
    describe_composites,
    describe_maps,
    describe_sites,
)
from mining_the_mines.pipelines.reporting.nodes import (
    choose_examples,
    choose_segmentation_examples,
    describe_classification,
    describe_segmentation,
    write_report,
)

_CLASSIFICATION: Final = {"classification": "classification_data"}
_SEGMENTATION: Final = {"segmentation": "segmentation_data"}


def create_pipeline() -> Pipeline:
    """One report on both tasks, the composites and the maps."""
    composites = ["composites", "scene_table", "left_out_scenes"]
    maps = ["scene_maps", "map_scores", "areas_by_unit"]
    areas = ["area_estimates", "judged_places", "reviewer_agreement", "disagreements"]
    contents = {
        **_CLASSIFICATION,
        **_SEGMENTATION,
        "chip_classification_scores": "chip_classification_scores",
        "composites": "composite_data",
        "maps": "map_data",
        "areas": "area_data",
        "sites": "site_data",
    }
    shared = Pipeline(
        [
            Node(describe_composites, composites, "composite_data", name="describe_composites"),
            Node(describe_maps, maps, "map_data", name="describe_maps"),
            Node(describe_sites, ["site_score_table", "monitoring_alerts"], "site_data", name="describe_sites"),
            Node(describe_areas, areas, "area_data", name="describe_areas"),
            _report(contents, "report", "write_report"),
        ],
        namespace="reporting",
        prefix_datasets_with_namespace=False,
        tags="reporting",
    )
    return _classification() + _segmentation() + shared


def create_classification_report() -> Pipeline:
    """A report on classification alone, for chips without polygons."""
    return _classification() + Pipeline(
        [_report(_CLASSIFICATION, "classification.report", "write_classification_report")],
        namespace="reporting",
        prefix_datasets_with_namespace=False,
        tags="reporting",
    )


def create_segmentation_report() -> Pipeline:
    """A report on segmentation alone, for chips without labels."""
    scores = "segmentation.chip_classification_scores"
    compare = Node(
        compare_chip_scores,
        ["segmentation.chip_scores", "params:segmentation.evaluation"],
        scores,
        name="score_chips_by_segmenter",
        tags="evaluation",
    )
    contents = {**_SEGMENTATION, "chip_classification_scores": scores}
    report = _report(contents, "segmentation.report", "write_segmentation_report")
    return _segmentation() + Pipeline(
        [compare, report.tag("reporting")],
        namespace="reporting",
        prefix_datasets_with_namespace=False,
    )


def _report(contents: Mapping[str, str], page: str, name: str) -> Node:
    shared = ("manifest", "folds", "band_statistics", "run_facts", "parameters")
    inputs = {**{each: each for each in shared}, "reporting": "params:reporting", **contents}
    return Node(write_report, inputs, page, name=name)


def _classification() -> Pipeline:
    return _task(
        "classification",
        Node(
            choose_examples,
            ["predictions", "decision", "packed_chips", "models", "params:reporting"],
            "examples",
            name="choose_examples",
        ),
        Node(
            describe_classification,
            [
                "predictions", "decision", "scores", "category_scores", "differences", "learning_curves",
                "importances", "examples", "parameters",
            ],
            "contents",
            name="describe_classification",
        ),
    )  # fmt: skip


def _segmentation() -> Pipeline:
    return _task(
        "segmentation",
        Node(
            choose_segmentation_examples,
            [
                "chip_scores", "decision", "probability_maps", "test_probability_maps", "masks", "packed_chips",
                "params:reporting",
            ],
            "examples",
            name="choose_segmentation_examples",
        ),
        Node(
            describe_segmentation,
            [
                "scores", "chip_scores", "decision", "threshold_curve", "examples", "mask_table",
                "polygon_inventory", "learning_curves",
            ],
            "contents",
            name="describe_segmentation",
        ),
    )  # fmt: skip


def _task(namespace: str, *nodes: Node) -> Pipeline:
    shared = {"parameters", "params:reporting"} & {name for node in nodes for name in node.inputs}
    return Pipeline(
        list(nodes),
        namespace=namespace,
        inputs="packed_chips",
        outputs={"contents": f"{namespace}_data"},
        parameters=shared,
        tags="reporting",
    )
