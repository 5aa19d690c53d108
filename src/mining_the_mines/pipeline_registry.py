"""Which pipelines there are, and in which order they make the whole way."""

from kedro.pipeline import Pipeline

from mining_the_mines.pipelines import (
    evaluation,
    feature_extraction,
    inference,
    preprocessing,
    reporting,
    training,
)


def register_pipelines() -> dict[str, Pipeline]:
    """Name the pipelines.

    Returns:
        Pipelines by name; ``__default__`` is all of them.
    """
    pipelines = {
        "preprocessing": preprocessing.create_pipeline(),
        "feature_extraction": feature_extraction.create_pipeline(),
        "training": training.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "inference": inference.create_pipeline(),
        "reporting": reporting.create_pipeline(),
    }
    return {"__default__": sum(pipelines.values(), start=Pipeline([])), **pipelines}
