"""Folders of chips, prebuilt, cut or segmented; chips packed into one array, and planes that lie on them."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from kedro.io import DatasetError

from mining_the_mines.chips.archives import SUFFIX, ZippedChips, is_archive
from mining_the_mines.chips.cutting import CutChips, holds_unlabelled, read_cutting
from mining_the_mines.chips.folder import ChipFolder, LabelFormat, read_labels
from mining_the_mines.chips.label_table import read_label
from mining_the_mines.chips.packing import PackedChips, open_packed
from mining_the_mines.chips.planes import PackedPlanes, open_planes
from mining_the_mines.core.atomic import adopt_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.folders import BuiltFolderDataset, FolderDataset
from mining_the_mines.datasets.previews import (
    ImagePreview,
    NothingToShowError,
    TablePreview,
    picture_preview,
    table_preview,
    where_there_are_data,
)
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS

if TYPE_CHECKING:
    from mining_the_mines.mapping.chip_segmentation import SegmentedChips  # noqa: F401 - named in a base class


logger = logging.getLogger(__name__)

#: Suffixes of tables that people keep labels in.
_TABLES: Final = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".ods")


class ChipFolderDataset(FolderDataset[None, ChipFolder | ZippedChips]):
    """Prebuilt GeoTIFF chips and the table of their labels; read only.

    Args:
        filepath: Folder that holds all of it, or a ZIP archive of such a folder.
        images: Sub-folder of the chips; empty if they lie in the folder itself. Where there is none, an archive of its
            name is taken, such as ``images.zip``.
        labels: Table of labels in the folder; ``None`` for unlabelled chips.
        label_format: Fields of :class:`mining_the_mines.chips.folder.LabelFormat` that differ from its defaults.
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
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, metadata=metadata)
        self.images = images
        self.labels = labels
        self.label_format = LabelFormat(**(label_format or {}))

    def load(self) -> ChipFolder | ZippedChips:
        """List the chips and read their labels; archives are left to the nodes, which unpack them.

        Raises:
            BadInputError: The folder or its table of labels is missing or can't be read.
        """
        root = self.load_folder
        images = root / self.images
        zipped = bool(self.images) and not images.is_dir() and is_archive(images.with_suffix(SUFFIX))
        if is_archive(root) or zipped:
            return ZippedChips(root, self.images, self.labels, self.label_format)
        if not root.is_dir():
            raise BadInputError(f"There is no folder {root}: check the parameter raw_root (or chips, for inference).")
        labels = None if self.labels is None else read_labels(root / self.labels, self.label_format)
        return ChipFolder(images, labels, may_be_empty=holds_unlabelled(root))

    def _exists(self) -> bool:
        return self.load_folder.is_dir() or is_archive(self.load_folder)

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
        chips = ChipFolder(folder / self.images, labels, may_be_empty=True)
        mines = set() if labels is None else set(labels.loc[labels["label"].map(read_label) == 1, "filename"])
        names = sorted(chips.filenames, key=lambda name: (name not in mines, name))
        if not names:
            raise NothingToShowError
        return picture_preview(true_colour(read_true_colour(chips.path(names[0]), bands)), names[0])

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: prebuilt chips are never written."""
        raise DatasetError(f"{self._filepath} is read only: prebuilt chips are never written.")


class RegionChipsDataset(ChipFolderDataset):
    """Chips of a new region, in a folder or in its sub-folder images, with a table of labels if there is one."""

    def load(self) -> ChipFolder | ZippedChips:
        """List the chips, and read the labels that there are.

        Raises:
            BadInputError: No folder is named, it is missing, or its table of labels can't be read.
        """
        root = self.load_folder
        if is_archive(root):
            return super().load()
        if not root.is_dir():
            raise BadInputError(f"There is no folder {root}: name the chips of the region with --params=chips=FOLDER.")
        inside, table = root / self.images, root / str(self.labels)
        labels = read_labels(table, self.label_format) if table.exists() else None
        others = sorted(path.name for path in root.iterdir() if path.suffix.lower() in _TABLES)
        if labels is None and others:
            logger.warning("%s has no %s, so there are no labels: is it %s?", root, table.name, " or ".join(others))
        return ChipFolder(inside if inside.is_dir() else root, labels)


class CutChipsDataset(ChipFolderDataset):
    """Chips cut from composites, with a table of labels; those without a label lie in the sub-folder unlabelled."""

    read_only = False

    def load(self) -> ChipFolder | ZippedChips:
        """List the labelled chips and read their labels.

        Raises:
            BadInputError: No chips were cut, or they were cut without polygons and have no labels.
        """
        folder = self.load_folder
        if read_cutting(folder).outlines is None:
            raise BadInputError(
                f"The chips in {folder} have no labels, and training needs them: name polygons of mines with "
                "--params=polygons=FILE, and cut the chips again with --pipelines=compositing."
            )
        return super().load()

    def save(self, data: CutChips) -> None:  # type: ignore[override] # prebuilt chips can't be saved
        """Move the finished folder into its place."""
        adopt_folder(data.folder, self.save_folder)


class PackedChipsDataset(BuiltFolderDataset[PackedChips, PackedChips]):
    """All accepted chips in one array, read through a memory map."""

    def load(self) -> PackedChips:
        """Open the array; its pixels are read when they are used."""
        return open_packed(self.load_folder)


class PackedPlanesDataset(BuiltFolderDataset[PackedPlanes, PackedPlanes]):
    """One plane per chip, such as masks or probability maps, in one array, read through a memory map."""

    def load(self) -> PackedPlanes:
        """Open the array; its values are read when they are used."""
        return open_planes(self.load_folder)


class SegmentedChipsDataset(BuiltFolderDataset["SegmentedChips", pd.DataFrame]):
    """Rasters and polygons of segmented chips, with a table."""

    def load(self) -> pd.DataFrame:
        """Read the table of the chips.

        Raises:
            BadInputError: There is no table, or it is another one.
        """
        from mining_the_mines.mapping.chip_segmentation import read_segmentation_table

        return read_segmentation_table(self.load_folder)

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first rows of the table, for Kedro-Viz."""
        return table_preview(self.load())
