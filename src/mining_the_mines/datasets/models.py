"""Models in folders, without pickle: safetensors for networks, skops for trees, JSON for the rest.

torch and scikit-learn are imported when a model is read or written, so that a catalog can be made without them.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mining_the_mines.atomic import whole_folder
from mining_the_mines.datasets.folders import FolderDataset

if TYPE_CHECKING:
    from mining_the_mines.learning.baseline import Baseline
    from mining_the_mines.learning.detector import MineDetector
    from mining_the_mines.learning.origin import ModelOrigin
    from mining_the_mines.learning.outliner import MineOutliner
    from mining_the_mines.models.storage import StoredEnsemble


def origin_of(dataset: FolderDataset[Any, Any]) -> "ModelOrigin":
    """Where a dataset reads a model from."""
    from mining_the_mines.learning.origin import ModelOrigin

    return ModelOrigin(dataset.load_folder)


class EnsembleDataset(FolderDataset["StoredEnsemble", "StoredEnsemble"]):
    """The networks of all folds."""

    def load(self) -> "StoredEnsemble":
        """Read weights and description."""
        from mining_the_mines.models.storage import load_ensemble

        return load_ensemble(self.load_folder)

    def save(self, data: "StoredEnsemble") -> None:
        """Write weights and description."""
        from mining_the_mines.models.storage import save_ensemble

        with whole_folder(self.save_folder) as draft:
            save_ensemble(data, draft)


class BaselineDataset(FolderDataset["Baseline", "Baseline"]):
    """The boosted trees of all folds."""

    def load(self) -> "Baseline":
        """Read the trees."""
        from mining_the_mines.learning.storage import load_baseline

        return load_baseline(self.load_folder)

    def save(self, data: "Baseline") -> None:
        """Write the trees."""
        from mining_the_mines.learning.storage import save_baseline

        with whole_folder(self.save_folder) as draft:
            save_baseline(data, draft)


class DetectorDataset(FolderDataset["MineDetector", "MineDetector"]):
    """The chosen classifier, complete with its threshold."""

    def load(self) -> "MineDetector":
        """Read the model."""
        from mining_the_mines.learning.storage import load_detector

        return replace(load_detector(self.load_folder), origin=origin_of(self))

    def save(self, data: "MineDetector") -> None:
        """Write the model."""
        from mining_the_mines.learning.storage import save_detector

        with whole_folder(self.save_folder) as draft:
            save_detector(data, draft)


class OutlinerDataset(FolderDataset["MineOutliner", "MineOutliner"]):
    """The segmenter, complete with its threshold."""

    def load(self) -> "MineOutliner":
        """Read the model."""
        from mining_the_mines.learning.storage import load_outliner

        return replace(load_outliner(self.load_folder), origin=origin_of(self))

    def save(self, data: "MineOutliner") -> None:
        """Write the model."""
        from mining_the_mines.learning.storage import save_outliner

        with whole_folder(self.save_folder) as draft:
            save_outliner(data, draft)
