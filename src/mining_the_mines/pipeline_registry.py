"""Which pipelines there are, and in which order they make the whole way."""

from collections.abc import Collection

from kedro.pipeline import Pipeline

from mining_the_mines.pipelines import (
    acquisition,
    evaluation,
    feature_extraction,
    inference,
    mapping,
    preprocessing,
    registration,
    reporting,
    training,
)
from mining_the_mines.pipelines.chip_source import PREBUILT, SIMULATION, ChipSource
from mining_the_mines.pipelines.tasks import CLASSIFICATION, TASKS, Task


def register_pipelines(
    tasks: Collection[Task] = TASKS, origin: ChipSource = SIMULATION, *, named: bool = False, compared: bool = False
) -> dict[str, Pipeline]:
    """Name the pipelines.

    Args:
        tasks: The questions that they answer; an environment says which with the parameter ``tasks``.
        origin: Where the chips come from; an environment says it with the parameter ``acquisition``.
        named: Whether the parameter ``scene`` names scenes to map.
        compared: Whether the parameter ``reporting.compare`` names runs to compare with.

    Returns:
        Pipelines by name; ``__default__`` is all of them. ``compositing`` is the first part of ``preprocessing``, for
        those who want composites and chips, and no model.
    """
    mapped = named or origin != PREBUILT
    features = feature_extraction.create_pipeline() if CLASSIFICATION in tasks else Pipeline([])
    pipelines = {
        "acquisition": acquisition.create_pipeline(origin),
        "preprocessing": preprocessing.create_pipeline(tasks, origin),
        "feature_extraction": features,
        "training": training.create_pipeline(tasks),
        "evaluation": evaluation.create_pipeline(tasks),
        "registration": registration.create_pipeline(tasks),
        "inference": inference.create_pipeline(tasks),
        "reporting": reporting.create_pipeline(tasks, composited=origin != PREBUILT, mapped=mapped, compared=compared),
    }
    maps = mapping.create_pipeline(tasks, origin, named=named)
    return {
        "__default__": sum(pipelines.values(), start=maps if mapped else Pipeline([])),
        **pipelines,
        "mapping": maps,
        "compositing": preprocessing.create_compositing(origin),
    }
