"""Which pipelines there are, and in which order they make the whole way."""

from collections.abc import Collection

from kedro.pipeline import Pipeline

from mining_the_mines.pipelines import (
    evaluation,
    feature_extraction,
    inference,
    preprocessing,
    reporting,
    training,
)
from mining_the_mines.pipelines.tasks import CLASSIFICATION, TASKS, Task


def register_pipelines(tasks: Collection[Task] = TASKS) -> dict[str, Pipeline]:
    """Name the pipelines.

    Args:
        tasks: The questions that they answer; an environment says which with the parameter ``tasks``.

    Returns:
        Pipelines by name; ``__default__`` is all of them.
    """
    features = feature_extraction.create_pipeline() if CLASSIFICATION in tasks else Pipeline([])
    pipelines = {
        "preprocessing": preprocessing.create_pipeline(tasks),
        "feature_extraction": features,
        "training": training.create_pipeline(tasks),
        "evaluation": evaluation.create_pipeline(tasks),
        "inference": inference.create_pipeline(tasks),
        "reporting": reporting.create_pipeline(tasks),
    }
    return {"__default__": sum(pipelines.values(), start=Pipeline([])), **pipelines}
