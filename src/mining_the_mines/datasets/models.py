"""Models in folders; torch is imported when a model is read or written."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from kedro.io.core import Version

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.folders import BuiltFolderDataset, FolderDataset
from mining_the_mines.models.complete import MineClassifier, MineSegmenter
from mining_the_mines.models.kinds import TrainedModel
from mining_the_mines.models.predictor import ModelSource
from mining_the_mines.models.storage import (
    load_classifier,
    load_model,
    load_models,
    load_segmenter,
    save_complete,
    save_model,
    save_models,
)

if TYPE_CHECKING:
    from mining_the_mines.pretraining.encoder import StoredEncoder
    from mining_the_mines.registry.package import StoredPackage

Complete = TypeVar("Complete", MineClassifier, MineSegmenter)
Task = Literal["classification", "segmentation"]
CLASSIFICATION: Final = "classification"
SEGMENTATION: Final = "segmentation"


class TrainedModelDataset(FolderDataset[TrainedModel, TrainedModel]):
    """A trained model."""

    def load(self) -> TrainedModel:
        """Read weights and description."""
        return load_model(self.load_folder)

    def save(self, data: TrainedModel) -> None:
        """Write weights and description."""
        with whole_folder(self.save_folder) as draft:
            save_model(data, draft)


class TrainedModelsDataset(FolderDataset[dict[str, TrainedModel], dict[str, TrainedModel]]):
    """Trained models by name, each in a sub-folder."""

    def load(self) -> dict[str, TrainedModel]:
        """Read all models."""
        return load_models(self.load_folder)

    def save(self, data: dict[str, TrainedModel]) -> None:
        """Write all models."""
        with whole_folder(self.save_folder) as draft:
            save_models(data, draft)


class CompleteModelDataset(FolderDataset[Complete, Complete]):
    """A complete model, or a registered one in its place.

    Args:
        filepath: The folder.
        version: Given by Kedro where the catalog says ``versioned: true``.
        registered: Address of a registered model that is loaded instead, ``models:/NAME@ALIAS`` or
            ``models:/NAME/VERSION``; what is saved goes into the folder all the same.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    #: Whether the model classifies chips or segments pixels.
    task: Task

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        registered: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self.registered = registered
        #: The registered model, once :class:`mining_the_mines.hooks.registered_models.ModelFetching` has downloaded it.
        self.source: ModelSource | None = None

    def find(self) -> ModelSource:
        """Return the model's place.

        Raises:
            BadInputError: A registered model is wanted and was not downloaded.
        """
        return self.find_registered() or ModelSource(self.load_folder)

    def find_registered(self) -> ModelSource | None:
        """Return the registered model's place; ``None`` if none is wanted.

        Raises:
            BadInputError: It was not downloaded.
        """
        if self.registered is not None and self.source is None:
            raise BadInputError(f"{self.registered} was not downloaded: open the catalog in a Kedro session.")
        return self.source

    def save(self, data: Complete) -> None:
        """Write the model."""
        with whole_folder(self.save_folder) as draft:
            save_complete(data, draft)

    def _exists(self) -> bool:
        return self.registered is not None or super()._exists()

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "registered": self.registered}


class ClassifierDataset(CompleteModelDataset[MineClassifier]):
    """The chosen classifier, complete with its threshold."""

    task = CLASSIFICATION

    def load(self) -> MineClassifier:
        """Read the model."""
        source = self.find()
        return replace(load_classifier(source.folder), source=source)


class SegmenterDataset(CompleteModelDataset[MineSegmenter]):
    """The segmenter, complete with its threshold."""

    task = SEGMENTATION

    def load(self) -> MineSegmenter:
        """Read the model."""
        source = self.find()
        return replace(load_segmenter(source.folder), source=source)


class StudentDataset(FolderDataset[MineSegmenter, MineSegmenter | None]):
    """The segmenter's student, complete with its threshold."""

    def load(self) -> MineSegmenter | None:
        """Read the model; ``None`` before the first was taught."""
        if not self.exists():
            return None
        return replace(load_segmenter(self.load_folder), source=ModelSource(self.load_folder))

    def save(self, data: MineSegmenter) -> None:
        """Write the model."""
        with whole_folder(self.save_folder) as draft:
            save_complete(data, draft)


class ModelPackageDataset(BuiltFolderDataset["StoredPackage", "StoredPackage"]):
    """A model package: MLflow model, card, STAC item, and the model in this project's own files."""

    def load(self) -> "StoredPackage":
        """Read the facts about the model; the model itself stays on disk."""
        from mining_the_mines.registry.package import read_package

        return read_package(self.load_folder)


class EncoderDataset(BuiltFolderDataset["StoredEncoder", "StoredEncoder"]):
    """An encoder with its card."""

    def load(self) -> "StoredEncoder":
        """Return its place; description and weights are read when they are asked for."""
        from mining_the_mines.pretraining.encoder import StoredEncoder

        return StoredEncoder(self.load_folder)
