"""Everything that came out → one HTML page."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.reporting.nodes import choose_examples, write_report


def create_pipeline() -> Pipeline:
    """Reporting on chip classifiers."""
    nodes = [
        Node(
            choose_examples,
            ["predictions", "decision", "packed_chips", "network", "params:reporting"],
            "examples",
            name="choose_examples",
        ),
        Node(
            write_report,
            [
                "manifest",
                "folds",
                "band_statistics",
                "predictions",
                "decision",
                "scores",
                "category_scores",
                "differences",
                "learning_curves",
                "importances",
                "examples",
                "run_facts",
                "parameters",
                "params:reporting",
            ],
            "report",
            name="write_report",
        ),
    ]
    return Pipeline(
        nodes,
        namespace="classification",
        inputs={"manifest", "folds", "band_statistics", "packed_chips", "run_facts"},
        parameters={"parameters", "params:reporting"},
        tags="reporting",
    )
