"""Folders of chips, given or simulated, their packed form, and planes that lie on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kedro.io import DatasetError
from kedro.io.core import Version

from mining_the_mines.chips.archives import SUFFIX, unpack_chips
from mining_the_mines.chips.cutting import ChipCutting
from mining_the_mines.chips.cutting_files import holds_unlabelled, read_cutting, write_chips
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.labels import LabelFormat, read_labels
from mining_the_mines.chips.packing import ChipStream, PackedChips, open_packed, write_packed
from mining_the_mines.chips.planes import PackedPlanes, PlaneStream, open_planes, write_planes
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.previews import ImagePreview, NothingToShowError, picture_preview, where_there_are_data
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS


class ChipFolderDataset(FolderDataset[None, ChipFolder]):
    """GeoTIFF chips and the table of their labels, as somebody handed them over; read only.

    Args:
        filepath: Folder that holds all of it, or a ZIP archive of such a folder.
        images: Sub-folder of the chips; empty if they lie in the folder itself. Where there is none, an archive of its
            name, such as ``images.zip``, is unpacked.
        labels: Table of labels in the folder; ``None`` for unlabelled chips.
        label_format: Fields of :class:`mining_the_mines.chips.labels.LabelFormat` that differ from its defaults.
        unpacked: Folder that archives are unpacked to, each once.
        metadata: For other tools.
    """

    #: People hand these chips over; no node makes them.
    read_only = True

    def __init__(
        self,
        *,
        filepath: str,
        images: str = "images",
        labels: str | None = "labels.csv",
        label_format: dict[str, Any] | None = None,
        unpacked: str = "data/01_raw/unpacked",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, metadata=metadata)
        self.images = images
        self.labels = labels
        self.label_format = LabelFormat(**(label_format or {}))
        self.unpacked = Path(unpacked).absolute()

    @property
    def load_folder(self) -> Path:
        """Where chips and labels lie; an archive is unpacked first."""
        given = super().load_folder
        return unpack_chips(given, self.unpacked) if given.suffix.lower() == SUFFIX and given.is_file() else given

    def _images(self, folder: Path) -> Path:
        images = folder / self.images
        archive = images.with_suffix(SUFFIX) if self.images else None
        packed = archive is not None and archive.is_file() and not images.is_dir()
        return unpack_chips(archive, self.unpacked) if archive is not None and packed else images

    def load(self) -> ChipFolder:
        """List the chips and read their labels.

        Raises:
            BadInputError: The folder or its table of labels is missing or can't be read.
        """
        folder = self.load_folder
        if not folder.is_dir():
            raise BadInputError(f"There is no folder {folder}: check the parameter raw_root (or chips, for inference).")
        labels = None if self.labels is None else read_labels(folder / self.labels, self.label_format)
        return ChipFolder(self._images(folder), labels, may_be_empty=holds_unlabelled(folder))

    @where_there_are_data
    def preview(self, bands: Sequence[str] = COMPETITION_BANDS) -> ImagePreview:
        """One chip in true colour, with a mine if labels tell, for Kedro-Viz.

        Args:
            bands: Bands of files that don't name them; the catalog lists them under ``preview_args``.
        """
        from mining_the_mines.rasters.true_colour import read_true_colour
        from mining_the_mines.reporting.pictures import true_colour

        folder = self.load_folder
        labelled = self.labels is not None and (folder / self.labels).is_file()
        labels = read_labels(folder / str(self.labels), self.label_format) if labelled else None
        chips = ChipFolder(self._images(folder), labels, may_be_empty=True)
        mines = set() if labels is None else set(labels.loc[labels["label"] == "1", "filename"])
        names = sorted(chips.filenames, key=lambda name: (name not in mines, name))
        if not names:
            raise NothingToShowError
        return picture_preview(true_colour(read_true_colour(chips.path(names[0]), bands)), names[0])

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: chips that were handed over stay as they are."""
        raise DatasetError(f"{self._filepath} is read only: chips that were handed over stay as they are.")


class CutChipsDataset(ChipFolderDataset):
    """Chips cut from composites, with a table of labels; those without a label lie apart, in the folder unlabelled."""

    read_only = False

    def load(self) -> ChipFolder:
        """List the labelled chips and read their labels.

        Raises:
            BadInputError: No chips were cut, or they were cut without outlines and have no labels.
        """
        folder = self.load_folder
        if read_cutting(folder).outlines is None:
            raise BadInputError(
                f"The chips in {folder} have no labels, and training needs them: name outlines of mines with "
                "--params=polygons=FILE, and cut the chips again with --pipelines=compositing."
            )
        return super().load()

    def save(self, data: ChipCutting) -> None:  # type: ignore[override] # chips that were handed over can't be saved
        """Cut chip after chip and write them."""
        write_chips(data, self.save_folder)


class PackedChipsDataset(FolderDataset[ChipStream, PackedChips]):
    """All accepted chips in one array, written as a stream and read by memory map."""

    def load(self) -> PackedChips:
        """Open the array; its pixels are read when they are used."""
        return open_packed(self.load_folder)

    def save(self, data: ChipStream) -> None:
        """Read, encode and write chip after chip."""
        write_packed(data, self.save_folder)


class PackedPlanesDataset(FolderDataset[PlaneStream | PackedPlanes, PackedPlanes]):
    """A plane a chip, such as masks or maps of probabilities, in one array, written as a stream and read by memory map.

    Args:
        filepath: The folder.
        rasters: Whether each plane is also written as a GeoTIFF, by its chip's name, to the folder ``rasters`` in it.
        version: Given by Kedro where the catalog says ``versioned: true``.
        metadata: For other tools.
    """

    def __init__(
        self,
        *,
        filepath: str,
        rasters: bool = False,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self.rasters = rasters

    def load(self) -> PackedPlanes:
        """Open the array; its values are read when they are used."""
        return open_planes(self.load_folder)

    def save(self, data: PlaneStream | PackedPlanes) -> None:
        """Make and write plane after plane."""
        stream = data.stream if isinstance(data, PackedPlanes) else data
        write_planes(stream, self.save_folder, rasters=self.rasters)
