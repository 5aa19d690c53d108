"""A model package: the folder that is registered.

At its top lies the MLflow model that others load (:mod:`mining_the_mines.registry.served_model`); beside it lie the
model in this project's own files, its card, its STAC item, and hashes of the chips that it was trained on.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.models.description import DESCRIPTION, ModelDescription
from mining_the_mines.models.predictor import ModelSource

if TYPE_CHECKING:
    from mining_the_mines.models.complete import MineClassifier, MineSegmenter

#: The model in this project's own files (safetensors and JSON), which predicts to the last bit as it did.
NATIVE: Final = "native"
TRAINING_CHIPS: Final = "training_chips.parquet"
MLM_ITEM: Final = "mlm_item.json"
FACTS: Final = "registration.json"
CARD: Final = "model_card.md"
#: The code that MLflow runs, and the folder of the modules of this project that it imports.
CODE: Final = "served_model.py"
MODULES: Final = "code"


class Figure(BaseModel):
    """A score on a split, with the ends of its interval where it has one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str = Field(description="out-of-fold or test.")
    metric: str = Field(description="Its name in score tables.")
    value: float | None = Field(description="The figure; null where it is not defined.")
    low: float | None = Field(description="Lower end of the interval.")
    high: float | None = Field(description="Upper end of the interval.")


class PackageFacts(BaseModel):
    """Facts about a model beside its description; the file ``registration.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name in the registry.")
    data_hash: str = Field(
        description="SHA-256 of the data for training and testing: chips, labels, places, folds and masks."
    )
    training_chips: int = Field(description="Number of training chips.")
    bounds: tuple[float, float, float, float] | None = Field(
        description="West, south, east and north of the chips in degrees; null if unknown."
    )
    scores: tuple[Figure, ...] = Field(description="Overall scores.")


@dataclass(frozen=True)
class StoredPackage:
    """A package on disk.

    Attributes:
        folder: The package.
        description: Input and output of the model.
        facts: Further facts.
        card: Its model card, Markdown.
    """

    folder: Path
    description: ModelDescription
    facts: PackageFacts
    card: str

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the model's own files, of the code that serves it and of its description.

        Equal models have equal hashes, whenever they were written.
        """
        content = hashlib.sha256(bytes.fromhex(ModelSource(self.folder / NATIVE).content_hash()))
        modules = sorted((self.folder / MODULES).rglob("*.py"))
        for path in (self.folder / CODE, self.folder / DESCRIPTION, *modules):
            content.update(hashlib.sha256(path.read_bytes()).digest())
        return content.hexdigest()


def read_package(folder: Path) -> StoredPackage:
    """Read the facts about a model; the model itself stays on disk.

    Args:
        folder: As :func:`mining_the_mines.registry.export.write_package` filled it.

    Raises:
        FileNotFoundError: The folder holds no package.
    """
    return StoredPackage(
        folder=folder,
        description=ModelDescription.model_validate_json((folder / DESCRIPTION).read_text(encoding="utf-8")),
        facts=PackageFacts.model_validate_json((folder / FACTS).read_text(encoding="utf-8")),
        card=(folder / CARD).read_text(encoding="utf-8"),
    )


def find_packages(folder: Path) -> list[StoredPackage]:
    """Read the packages below a folder, in order of their paths; those of other versions of this project are left out.

    Args:
        folder: Folder of models.
    """
    found = []
    for path in sorted(folder.rglob(FACTS)):
        with suppress(FileNotFoundError, ValueError):  # pydantic's errors are ValueErrors
            found.append(read_package(path.parent))
    return found


def read_model(package: StoredPackage) -> "MineClassifier | MineSegmenter":
    """Read the model of a package from this project's own files."""
    from mining_the_mines.models.storage import load_complete

    return load_complete(package.folder / NATIVE)


def take_figures(scores: pd.DataFrame) -> tuple[Figure, ...]:
    """Take the overall scores of a model out of its table.

    Args:
        scores: ``split``, ``metric``, ``value``, ``low`` and ``high``, one model's.
    """
    table = scores[["split", "metric", "value", "low", "high"]].astype(object)
    return tuple(Figure.model_validate(row) for row in table.where(table.notna(), None).to_dict("records"))
