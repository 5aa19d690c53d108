"""Results of a series by period, in the work folders that nodes write them into."""

from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

import pystac

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.datasets.folders import BuiltFolderDataset, FolderDataset
from mining_the_mines.mapping.scene_map import SceneMaps, open_maps
from mining_the_mines.mapping.scene_map import write_index as write_maps
from mining_the_mines.monitoring.map_collection import COLLECTION, write_collection
from mining_the_mines.monitoring.period_results import PeriodResult, read_results, write_results
from mining_the_mines.monitoring.period_scenes import SCENES, read_scenes
from mining_the_mines.monitoring.site_files import SiteFiles
from mining_the_mines.scenes.composite_files import Composite, composite_files, open_composites
from mining_the_mines.scenes.composite_files import write_index as write_composites
from mining_the_mines.scenes.scene_list import SceneSelection

Result = TypeVar("Result")


class PeriodResultsDataset(
    FolderDataset[tuple[PeriodResult[Result], ...], tuple[PeriodResult[Result], ...]], Generic[Result]
):
    """The list of a series in a work folder with a sub-folder for each period.

    Args:
        filepath: The folder.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def load(self) -> tuple[PeriodResult[Result], ...]:
        """Read the results of the last run; pixels are read when they are used."""
        return read_results(self.load_folder, self._read)

    def save(self, data: tuple[PeriodResult[Result], ...]) -> None:
        """Write the list."""
        for each in data:
            if each.result is not None:
                self._write(self.save_folder / each.period.name, each.result)
        self.save_folder.mkdir(parents=True, exist_ok=True)
        write_results(self.save_folder, data, self._files)

    def _write(self, folder: Path, result: Result) -> None:
        """List the result of a period in its folder."""

    @abstractmethod
    def _read(self, folder: Path) -> Result: ...

    @abstractmethod
    def _files(self, result: Result) -> Iterable[str]:
        """Files and folders of a result, as paths from its period's folder."""


class PeriodScenesDataset(PeriodResultsDataset[SceneSelection]):
    """The scenes of each period."""

    def _read(self, folder: Path) -> SceneSelection:
        return read_scenes(folder)

    def _files(self, result: SceneSelection) -> Iterable[str]:  # noqa: ARG002 - as the class above has it
        return (SCENES,)


class PeriodCompositesDataset(PeriodResultsDataset[tuple[Composite, ...]]):
    """The composites of each period, one a region."""

    def _write(self, folder: Path, result: tuple[Composite, ...]) -> None:
        write_composites(folder, [composite.region for composite in result])

    def _read(self, folder: Path) -> tuple[Composite, ...]:
        return open_composites(folder)

    def _files(self, result: tuple[Composite, ...]) -> Iterable[str]:
        for composite in result:
            folder = composite.image.parent
            yield from (path.relative_to(folder).as_posix() for path in composite_files(folder, composite))


class PeriodMapsDataset(PeriodResultsDataset[SceneMaps]):
    """The maps of each period, one a region."""

    def _write(self, folder: Path, result: SceneMaps) -> None:
        write_maps(folder, result)

    def _read(self, folder: Path) -> SceneMaps:
        return open_maps(folder)

    def _files(self, result: SceneMaps) -> Iterable[str]:
        return (found.name for found in result.maps)


class SiteFilesDataset(BuiltFolderDataset[SiteFiles, SiteFiles]):
    """Files that sites are handed on in, moved into place at once; always at the same address, as feeds need."""

    def load(self) -> SiteFiles:
        """Return the folder; files are read by other programs."""
        return SiteFiles(self.load_folder)


class StacCollectionDataset(FolderDataset[pystac.Collection, pystac.Collection]):
    """A STAC collection with its items, whose assets lie elsewhere in the data folder and are linked relative to it."""

    def load(self) -> pystac.Collection:
        """Read the collection; items are read when they are asked for."""
        return pystac.Collection.from_file(str(self.load_folder / COLLECTION))

    def save(self, data: pystac.Collection) -> None:
        """Write collection and items."""
        folder = self.save_folder.absolute()
        with whole_folder(folder) as draft:
            write_collection(data, draft, folder)
