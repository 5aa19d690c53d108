"""Model packages in versioned folders."""

from typing import TYPE_CHECKING

from mining_the_mines.core.atomic import adopt_folder
from mining_the_mines.datasets.folders import FolderDataset

if TYPE_CHECKING:
    from mining_the_mines.registry.package import StoredPackage


class ModelPackageDataset(FolderDataset["StoredPackage", "StoredPackage"]):
    """A model package: MLflow model, card, STAC item, and the model in this project's own files."""

    def load(self) -> "StoredPackage":
        """Read the facts about the model; the model itself stays on disk."""
        from mining_the_mines.registry.package import read_package

        return read_package(self.load_folder)

    def save(self, data: "StoredPackage") -> None:
        """Move the package's folder into its place."""
        adopt_folder(data.folder, self.save_folder)
