"""Everything that came out → one HTML page."""

from collections.abc import Collection

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.reporting.comparison_nodes import compare_with_others
from mining_the_mines.pipelines.reporting.composite_nodes import describe_composites
from mining_the_mines.pipelines.reporting.map_nodes import describe_maps
from mining_the_mines.pipelines.reporting.nodes import (
    choose_examples,
    choose_segmentation_examples,
    describe_classification,
    describe_segmentation,
    write_report,
)
from mining_the_mines.pipelines.tasks import CLASSIFICATION, SEGMENTATION, TASKS, Task


def create_pipeline(
    tasks: Collection[Task] = TASKS, *, composited: bool = False, mapped: bool = False, compared: bool = False
) -> Pipeline:
    """Reporting on chip classifiers, on outlines, or on both in one report.

    Args:
        tasks: What the report is about.
        composited: Whether the chips were cut from composites, which are then shown.
        mapped: Whether there are maps of whole scenes.
        compared: Whether the parameter ``reporting.compare`` names runs to compare this one with.
    """
    contents = {}
    parts = []
    if CLASSIFICATION in tasks:
        contents["detection"] = "classification_data"
        parts.append(_detection())
    if SEGMENTATION in tasks:
        contents |= {"outlines": "segmentation_data", "chip_classification_scores": "chip_classification_scores"}
        parts.append(_outlines())
    if composited:
        contents["composites"] = "composite_data"
        parts.append(_composites())
    if mapped:
        contents["maps"] = "map_data"
        parts.append(_maps())
    if compared:
        contents["comparison"] = "run_comparison"
        parts.append(_comparison(tasks))
    shared = ("manifest", "folds", "band_statistics", "run_facts", "parameters")
    inputs = {**{name: name for name in shared}, "reporting": "params:reporting", **contents}
    report = _shared(Node(write_report, inputs, "report", name="write_report"))
    return sum(parts, start=report)


def _shared(node: Node) -> Pipeline:
    """What belongs to no single task stands together in Kedro-Viz; its datasets keep their names."""
    return Pipeline([node], namespace="reporting", prefix_datasets_with_namespace=False, tags="reporting")


def _composites() -> Pipeline:
    inputs = ["composites", "scene_table", "left_out_scenes"]
    return _shared(Node(describe_composites, inputs, "composite_data", name="describe_composites"))


def _comparison(tasks: Collection[Task]) -> Pipeline:
    shared = ("compared_runs", "manifest", "run_facts", "parameters")
    inputs = {**{name: name for name in shared}, "reporting": "params:reporting"}
    if CLASSIFICATION in tasks:
        inputs |= {"predictions": f"{CLASSIFICATION}.predictions", "decision": f"{CLASSIFICATION}.decision"}
        inputs |= {"chip_classification_scores": f"{CLASSIFICATION}.scores"}
    if SEGMENTATION in tasks:
        inputs |= {"outlines": f"{SEGMENTATION}.chip_scores", "outline_scores": f"{SEGMENTATION}.scores"}
    return _shared(Node(compare_with_others, inputs, "run_comparison", name="compare_with_others"))


def _maps() -> Pipeline:
    inputs = ["scene_maps", "map_scores", "areas_by_unit"]
    return _shared(Node(describe_maps, inputs, "map_data", name="describe_maps"))


def _detection() -> Pipeline:
    nodes = [
        Node(
            choose_examples,
            ["predictions", "decision", "packed_chips", "network", "params:reporting"],
            "examples",
            name="choose_examples",
        ),
        Node(
            describe_classification,
            [
                "predictions",
                "decision",
                "scores",
                "category_scores",
                "differences",
                "learning_curves",
                "importances",
                "examples",
                "parameters",
            ],
            "contents",
            name="describe_classification",
        ),
    ]
    return Pipeline(
        nodes,
        namespace=CLASSIFICATION,
        inputs="packed_chips",
        outputs={"contents": "classification_data"},
        parameters={"parameters", "params:reporting"},
        tags="reporting",
    )


def _outlines() -> Pipeline:
    nodes = [
        Node(
            choose_segmentation_examples,
            [
                "chip_scores",
                "decision",
                "probability_maps",
                "test_probability_maps",
                "masks",
                "packed_chips",
                "params:reporting",
            ],
            "examples",
            name="choose_segmentation_examples",
        ),
        Node(
            describe_segmentation,
            [
                "scores",
                "chip_scores",
                "decision",
                "threshold_curve",
                "examples",
                "mask_table",
                "polygon_inventory",
                "learning_curves",
            ],
            "contents",
            name="describe_segmentation",
        ),
    ]
    return Pipeline(
        nodes,
        namespace=SEGMENTATION,
        inputs="packed_chips",
        outputs={"contents": "segmentation_data"},
        parameters="params:reporting",
        tags="reporting",
    )
