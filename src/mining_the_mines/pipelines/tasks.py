"""The two questions that the pipelines can answer about a chip; each has a Kedro namespace of its own."""

from typing import Final, Literal

Task = Literal["classification", "segmentation"]

#: Is there a mine in this chip?
CLASSIFICATION: Final = "classification"
#: Where are its outlines?
SEGMENTATION: Final = "segmentation"
TASKS: Final[tuple[Task, ...]] = (CLASSIFICATION, SEGMENTATION)
