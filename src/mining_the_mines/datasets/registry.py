"""Models on their way into the registry, and the one in use there.

torch, scikit-learn and MLflow are imported when a model is read or written, so that a catalog can be made without them.
"""

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.hashing import NOTHING, ContentHashes
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.previews import HTMLPreview, markdown_preview, where_there_are_data

if TYPE_CHECKING:
    from mining_the_mines.registry.champion import Champion, RegistryView
    from mining_the_mines.registry.package import ModelPackage, StoredPackage
    from mining_the_mines.tracking.registry import RegisteredVersion, Registration

logger = logging.getLogger(__name__)


class ModelPackageDataset(FolderDataset["ModelPackage", "StoredPackage"]):
    """A model as a folder that MLflow serves, with its card, its STAC item and the model as this package keeps it."""

    def load(self) -> "StoredPackage":
        """Read what is known of the model; the model itself stays where it is."""
        from mining_the_mines.datasets.model_packages import read_package

        return read_package(self.load_folder)

    def save(self, data: "ModelPackage") -> None:
        """Export the model and write all that belongs to it."""
        from mining_the_mines.datasets.model_packages import write_package

        with tempfile.TemporaryDirectory() as exported, whole_folder(self.save_folder) as draft:
            write_package(data, draft, Path(exported))

    @where_there_are_data
    def preview(self) -> HTMLPreview:
        """The model card, for Kedro-Viz."""
        return markdown_preview(self.load().card)


class ChampionDataset(AbstractDataset[None, "RegistryView"]):
    """The model in use, as the registry has it; read only.

    Args:
        name: Of the model in the registry.
        fetched: Folder where fetched models are kept.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(self, *, name: str, fetched: str, metadata: dict[str, Any] | None = None) -> None:
        self.name = name
        self._fetched = Path(fetched)
        self.metadata = metadata
        #: Whether the registry has kept silent: what was decided on that is decided anew as soon as it speaks.
        self.always_changes = False

    def load(self) -> "RegistryView":
        """Fetch the champion; a registry that does not answer, or has another's model, is told and stops nothing."""
        from mining_the_mines.registry.champion import RegistryView
        from mining_the_mines.tracking.registry import RegistryError, find_champion

        try:
            version = find_champion(self.name)
            view = RegistryView(self.name, None if version is None else self._fetch(version))
        except RegistryError as error:
            view = RegistryView(self.name, silent=str(error))
        self.always_changes = bool(view.silent)
        return view

    def _fetch(self, version: "RegisteredVersion") -> "Champion":
        import pandas as pd

        from mining_the_mines.datasets.model_packages import fetch_package, read_model
        from mining_the_mines.registry.champion import Champion
        from mining_the_mines.registry.package import TRAINING_CHIPS
        from mining_the_mines.tracking.registry import RegistryError

        package = fetch_package(version, self._fetched)
        try:
            chips = pd.read_parquet(package.folder / TRAINING_CHIPS)
        except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            raise RegistryError(
                f"{package.folder / TRAINING_CHIPS} can't be read: remove {package.folder}, and it is fetched again."
            ) from error
        return Champion(version.version, package.content_hash, read_model(package.folder), chips)

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: a model becomes the champion by being put forward."""
        raise DatasetError(f"The champion {self.name} is read only: a model becomes it by being put forward.")

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:  # noqa: ARG002 - as datasets are asked
        """Of nothing: a decision stands as it was made, and is not made again since another model won later."""
        return NOTHING

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"name": self.name, "fetched": str(self._fetched)}


class RegisteredModelDataset(AbstractDataset["Registration", None]):
    """A model that is put forward: it becomes a version in the registry, and maybe the champion.

    Args:
        name: Of the model in the registry.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(self, *, name: str, metadata: dict[str, Any] | None = None) -> None:
        self.name = name
        self.metadata = metadata
        #: Whether the registry has kept silent, so that the model has to be put forward once more.
        self.always_changes = False

    def load(self) -> None:
        """Refuse: whoever wants a registered model asks for it by its address."""
        raise DatasetError(f"{self.name} is in the registry: ask for it by its address, models:/{self.name}@champion.")

    def save(self, data: "Registration") -> None:
        """Put the model forward; where the registry does not answer, it stays in its folder, and a warning says so."""
        from mining_the_mines.tracking.registry import SilentRegistryError, register
        from mining_the_mines.tracking.run import active_run

        run = active_run()
        try:
            version = register(data, run.run_id if run is not None and run.is_known else None)
        except SilentRegistryError as error:
            logger.warning("%s is not registered and stays in %s: %s", data.name, data.folder, error)
            self.always_changes = True
            return
        self.always_changes = False
        if run is not None:
            run.set_tags({f"registered.{data.name}": version.version})

    def _exists(self) -> bool:
        return False

    def _describe(self) -> dict[str, Any]:
        return {"name": self.name}
