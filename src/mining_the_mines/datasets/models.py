"""Models in folders, without pickle: safetensors for networks, skops for trees, JSON for the rest.

torch and scikit-learn are imported when a model is read or written, so that a catalog can be made without them.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from kedro.io.core import Version

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.folders import FolderDataset, Loaded, Saved
from mining_the_mines.datasets.previews import JSONPreview, json_preview, model_preview, where_there_are_data

if TYPE_CHECKING:
    from mining_the_mines.models.baseline import Baseline
    from mining_the_mines.models.ensemble_files import StoredEnsemble
    from mining_the_mines.models.mine_classifier import MineClassifier
    from mining_the_mines.models.mine_segmenter import MineSegmenter
    from mining_the_mines.models.model_source import ModelSource

Task = Literal["classification", "segmentation"]
CLASSIFICATION: Final = "classification"
SEGMENTATION: Final = "segmentation"


class EnsembleDataset(FolderDataset["StoredEnsemble", "StoredEnsemble"]):
    """The networks of all folds."""

    def load(self) -> "StoredEnsemble":
        """Read weights and description."""
        from mining_the_mines.models.ensemble_files import load_ensemble

        return load_ensemble(self.load_folder)

    def save(self, data: "StoredEnsemble") -> None:
        """Write weights and description."""
        from mining_the_mines.models.ensemble_files import save_ensemble

        with whole_folder(self.save_folder) as draft:
            save_ensemble(data, draft)

    @where_there_are_data
    def preview(self) -> JSONPreview:
        """What the networks are made of, for Kedro-Viz."""
        return model_preview(self.load_folder)


class BaselineDataset(FolderDataset["Baseline", "Baseline"]):
    """The boosted trees of all folds."""

    def load(self) -> "Baseline":
        """Read the trees."""
        from mining_the_mines.models.model_files import load_baseline

        return load_baseline(self.load_folder)

    def save(self, data: "Baseline") -> None:
        """Write the trees."""
        from mining_the_mines.models.model_files import save_baseline

        with whole_folder(self.save_folder) as draft:
            save_baseline(data, draft)

    @where_there_are_data
    def preview(self) -> JSONPreview:
        """What the trees look at, for Kedro-Viz."""
        return model_preview(self.load_folder)


class CompleteModelDataset(FolderDataset[Saved, Loaded]):
    """A complete model, or a registered one in its place.

    Args:
        filepath: The folder.
        version: Given by Kedro where the catalog says ``versioned: true``.
        registered: Address of a registered model that is loaded instead, ``models:/NAME@ALIAS`` or
            ``models:/NAME/VERSION``; what is saved goes into the folder all the same.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    #: What it answers: is there a mine, or where.
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

    def find(self) -> "ModelSource":
        """Return the model's place.

        Raises:
            BadInputError: A registered model is wanted and was not downloaded.
        """
        from mining_the_mines.models.model_source import ModelSource

        return self.find_registered() or ModelSource(self.load_folder)

    def find_registered(self) -> "ModelSource | None":
        """Return the registered model's place; ``None`` if none is wanted.

        Raises:
            BadInputError: It was not downloaded.
        """
        if self.registered is not None and self.source is None:
            raise BadInputError(f"{self.registered} was not downloaded: open the catalog in a Kedro session.")
        return self.source

    @where_there_are_data
    def preview(self) -> JSONPreview:
        """What the model is, for Kedro-Viz; of a registered one its address, which is not looked up for a glance."""
        if self.registered is not None:
            return json_preview({"registered": self.registered})
        return model_preview(self.load_folder)

    def _exists(self) -> bool:
        return self.registered is not None or super()._exists()

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "registered": self.registered}


class ClassifierDataset(CompleteModelDataset["MineClassifier", "MineClassifier"]):
    """The chosen classifier, complete with its threshold."""

    task = CLASSIFICATION

    def load(self) -> "MineClassifier":
        """Read the model."""
        from mining_the_mines.models.model_files import load_classifier

        source = self.find()
        return replace(load_classifier(source.folder), source=source)

    def save(self, data: "MineClassifier") -> None:
        """Write the model."""
        from mining_the_mines.models.model_files import save_classifier

        with whole_folder(self.save_folder) as draft:
            save_classifier(data, draft)


class SegmenterDataset(CompleteModelDataset["MineSegmenter", "MineSegmenter"]):
    """The segmenter, complete with its threshold."""

    task = SEGMENTATION

    def load(self) -> "MineSegmenter":
        """Read the model."""
        from mining_the_mines.models.model_files import load_segmenter

        source = self.find()
        return replace(load_segmenter(source.folder), source=source)

    def save(self, data: "MineSegmenter") -> None:
        """Write the model."""
        from mining_the_mines.models.model_files import save_segmenter

        with whole_folder(self.save_folder) as draft:
            save_segmenter(data, draft)
