"""Scenes and composites as the catalog sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from kedro.io import AbstractDataset, DatasetError
from kedro.io.core import AbstractVersionedDataset, Version

from mining_the_mines.chips.cutting_places import ChipPlaces, read_places
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.hashing import ContentHashes, hash_values, visible_files
from mining_the_mines.core.progress_bars import counting_bar, progress_bar
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.previews import (
    ImagePreview,
    NothingToShowError,
    TablePreview,
    picture_preview,
    table_preview,
    vector_preview,
    where_there_are_data,
)
from mining_the_mines.scenes.composite_files import Composite, composite_files, open_composites, write_index
from mining_the_mines.scenes.composites import RegionPlan, make_composites
from mining_the_mines.scenes.download import check_assets, download_assets
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AcquisitionSettings

#: Where a simulated folder says how it was made.
SIMULATION = "series.json"
_LIST: Final = ".json"
#: Longest side of the preview of a composite.
_PREVIEW_PIXELS: Final = 560
#: Outlines and permits that it holds beside the scenes.
DRAWN = ("*.gpkg", "concessions.geojson", "protected_areas.geojson")


class SimulatedSeriesDataset(FolderDataset[None, Path]):
    """A simulated archive of scenes, made when it is first asked for and again when its settings change.

    Args:
        filepath: Folder for all of it.
        simulation: Fields of :class:`mining_the_mines.simulation.settings.SeriesSettings` that differ from its
            defaults.
        metadata: For other tools.
    """

    def __init__(
        self, *, filepath: str, simulation: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath=filepath, metadata=metadata)
        self.simulation = simulation or {}

    def load(self) -> Path:
        """Simulate the scenes unless those on disk were made with the same settings.

        Returns:
            The folder, a static STAC catalog.

        Raises:
            BadInputError: The folder holds something that was not simulated, which must not be replaced.
        """
        from mining_the_mines.simulation import SeriesSettings, simulate_archive

        folder = self.load_folder
        simulate_archive(folder, SeriesSettings(**self.simulation), progress_bar)
        return folder

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:
        """Of the scenes, which are made first if they have to be."""
        self.load()
        return self.hash_there(path, hashes)

    @staticmethod
    def hash_there(path: Path, hashes: ContentHashes) -> str:
        """Of the scenes that are there; what is drawn on maps are datasets of their own."""
        drawn = {name for pattern in DRAWN for name in path.glob(pattern)}
        return hashes.of_files([file for file in visible_files(path) if file not in drawn], path)

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: the archive makes itself."""
        raise DatasetError(f"{self._filepath} is simulated when it is asked for, never saved.")


@dataclass(frozen=True)
class AssetRequest:
    """Files of scenes that are looked for, or fetched, when the list is saved.

    Attributes:
        choice: The scenes.
        settings: Whether files are kept, and how patient to be.
    """

    choice: SceneSelection
    settings: AcquisitionSettings

    def reach(self, folder: Path) -> SceneSelection:
        """Fetch the files to a folder if they are to be kept, else look whether they answer."""
        if self.settings.keep_assets:
            return download_assets(self.choice, folder, self.settings, progress_bar)
        return check_assets(self.choice, self.settings, progress_bar)


class SceneChoiceDataset(AbstractVersionedDataset[SceneSelection, SceneSelection]):
    """The chosen scenes as JSON, with all that a rerun needs to use exactly these.

    Args:
        filepath: Of the file.
        version: Given by Kedro where the catalog says ``versioned: true``.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(
        self, *, filepath: str, version: Version | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath=PurePosixPath(filepath), version=version)
        self.metadata = metadata

    def load(self) -> SceneSelection:
        """Read the list."""
        path = Path(self._get_load_path())
        return SceneSelection.from_json(path.read_text(encoding="utf-8"), path)

    def save(self, data: SceneSelection) -> None:
        """Write the list, whole or not at all."""
        path = Path(self._get_save_path())
        with whole_file(path) as draft:
            draft.write_text(data.to_json(path), encoding="utf-8")

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:
        """Of the list, and of the scenes' files that lie on this machine."""
        return hash_values([hashes.of(path), [hashes.of(file) for file in scene_files(path)]])

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "version": self._version}

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first scenes, for Kedro-Viz."""
        return table_preview(self.load().table())

    def _exists(self) -> bool:
        return Path(self._get_load_path()).is_file()


def scene_files(path: Path) -> list[Path]:
    """Files of the scenes that a list names, in its order; of those elsewhere only the address is known.

    Args:
        path: A list of chosen scenes; what is none names no scenes.
    """
    if path.suffix != _LIST or not path.is_file():
        return []
    try:
        choice = SceneSelection.from_json(path.read_text(encoding="utf-8"), path)
    except SceneError:  # who reads it is told
        return []
    items = (item for scenes in choice.items.values() for item in scenes)
    places = (asset["href"].removeprefix("file://") for item in items for asset in item["assets"].values())
    return [Path(place) for place in places if "://" not in place]


class ReachedScenesDataset(SceneChoiceDataset):
    """Scenes whose files are known to be there; those that were asked for as a whole lie on disk.

    Args:
        filepath: Of the list.
        assets: Folder for files that are kept.
        version: Given by Kedro where the catalog says ``versioned: true``.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(
        self,
        *,
        filepath: str,
        assets: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self.assets = Path(assets)

    def save(self, data: SceneSelection | AssetRequest) -> None:
        """Look whether every file answers, or fetch it, and list the scenes for which it does."""
        if isinstance(data, AssetRequest):
            data = data.reach(self.assets)
        super().save(data)


@dataclass(frozen=True)
class CompositeRequest:
    """Composites that are made when they are saved: only then is it known where to.

    Attributes:
        plans: One a region.
        dask: Where blocks are worked on.
    """

    plans: Sequence[RegionPlan]
    dask: DaskSettings


class CompositesDataset(FolderDataset[CompositeRequest, tuple[Composite, ...]]):
    """A composite a region; what is there already, made from the same scenes in the same way, is not made again."""

    def load(self) -> tuple[Composite, ...]:
        """List the composites; their pixels are read when they are used."""
        return open_composites(self.load_folder)

    def save(self, data: CompositeRequest) -> None:
        """Make the composites, block by block."""
        made = make_composites(data.plans, self.save_folder, data.dask, counting_bar)
        write_index(self.save_folder, [composite.region for composite in made])

    @where_there_are_data
    def preview(self) -> ImagePreview:
        """The first composite in true colour, for Kedro-Viz."""
        from mining_the_mines.reporting.formatting import category_title
        from mining_the_mines.reporting.pictures import hatched_true_colour, stretch_for
        from mining_the_mines.scenes.quicklooks import read_quicklook

        composites = self.load()
        if not composites:
            raise NothingToShowError
        visible = read_quicklook(composites[0], _PREVIEW_PIXELS).visible
        return picture_preview(
            hatched_true_colour(visible, stretch_for([visible])), category_title(composites[0].region)
        )

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:
        """Of the composites that belong together; others may lie beside them."""
        return hashes.of_files([file for composite in _listed(path) for file in composite_files(path, composite)], path)

    def parts(self, path: Path) -> dict[str, str]:
        """What tells the composite of each region from others."""
        return {composite.region: composite.content_hash for composite in _listed(path)}


def _listed(folder: Path) -> tuple[Composite, ...]:
    """The composites of a folder; none if they are not whole."""
    try:
        return open_composites(folder)
    except SceneError:
        return ()


class ChipPlacesDataset(AbstractDataset[None, ChipPlaces | None]):
    """Places that chips are to be cut at, as somebody handed them over; read only.

    Args:
        filepath: A table or vector file; ``None`` if chips are cut on a grid.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(self, *, filepath: str | None, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = None if filepath is None else Path(filepath)
        self.metadata = metadata

    def load(self) -> ChipPlaces | None:
        """Read the places, if there are any."""
        return None if self._filepath is None else read_places(self._filepath)

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: places that were handed over stay as they are."""
        raise DatasetError(f"{self._filepath} is read only: places that were handed over stay as they are.")

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first places, for Kedro-Viz."""
        return vector_preview(self._filepath)

    def _exists(self) -> bool:
        return self._filepath is None or self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
