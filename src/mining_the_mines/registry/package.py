"""A model with all that belongs to it, as it is kept in a folder and put into the registry."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.models.description import ModelDescription

if TYPE_CHECKING:
    from mining_the_mines.models.mine_classifier import MineClassifier
    from mining_the_mines.models.mine_segmenter import MineSegmenter

#: The model as this package keeps it, safetensors, skops and JSON, so that it maps to the last bit as it did.
NATIVE: Final = "native"
TRAINING_CHIPS: Final = "training_chips.parquet"
MLM_ITEM: Final = "mlm_item.json"
FACTS: Final = "registration.json"


class Figure(BaseModel):
    """A score on a split, with the ends of its interval where it has one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str = Field(description="out-of-fold or test.")
    metric: str = Field(description="Its name in score tables.")
    value: float | None = Field(description="The figure; null where it is not defined.")
    low: float | None = Field(description="Lower end of the interval.")
    high: float | None = Field(description="Upper end of the interval.")


class PackageFacts(BaseModel):
    """What is known of a model beside what it takes and gives; the file ``registration.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="In the registry.")
    data_hash: str = Field(
        description="SHA-256 of what it was trained and tested on: chips, labels, places, folds, and its masks."
    )
    training_chips: int = Field(description="Chips that it was trained on.")
    bounds: tuple[float, float, float, float] | None = Field(
        description="West, south, east and north of the chips in degrees; null where nobody knows."
    )
    scores: tuple[Figure, ...] = Field(description="Overall scores.")


@dataclass(frozen=True)
class ModelPackage:
    """A model that is about to be written down.

    Attributes:
        model: The complete model.
        description: What it takes and gives.
        facts: What else is known of it.
        card: Its model card, Markdown.
        training_chips: What it was trained on, see :func:`mining_the_mines.registry.seen_chips.hash_chips`.
    """

    model: "MineClassifier | MineSegmenter"
    description: ModelDescription
    facts: PackageFacts
    card: str
    training_chips: pd.DataFrame


@dataclass(frozen=True)
class StoredPackage:
    """A model that was written down, without the model itself.

    Attributes:
        folder: The MLflow model with all that belongs to it.
        content_hash: SHA-256 of the model's own files, of the code that serves it and of its description: equal models
            have equal hashes, whenever they were written.
        description: What it takes and gives.
        facts: What else is known of it.
        card: Its model card.
    """

    folder: Path
    content_hash: str
    description: ModelDescription
    facts: PackageFacts
    card: str


def take_figures(scores: pd.DataFrame) -> tuple[Figure, ...]:
    """Take the overall scores of a model out of its table.

    Args:
        scores: ``split``, ``metric``, ``value``, ``low`` and ``high``, one model's.
    """
    table = scores[["split", "metric", "value", "low", "high"]].astype(object)
    return tuple(Figure.model_validate(row) for row in table.where(table.notna(), None).to_dict("records"))
