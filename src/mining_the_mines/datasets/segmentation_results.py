"""Segmented chips as files for a GIS."""

from typing import TYPE_CHECKING

import pandas as pd

from mining_the_mines.core.atomic import adopt_folder
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.previews import TablePreview, table_preview, where_there_are_data

if TYPE_CHECKING:
    from mining_the_mines.mapping.chip_segmentation import SegmentedChips


class SegmentationResultsDataset(FolderDataset["SegmentedChips", pd.DataFrame]):
    """Rasters, polygons and a table of segmented chips, moved here from the folder that the node wrote."""

    def load(self) -> pd.DataFrame:
        """Read the table of the chips.

        Raises:
            BadInputError: There is no table, or it is another one.
        """
        from mining_the_mines.mapping.chip_segmentation import read_segmentation_table

        return read_segmentation_table(self.load_folder)

    def save(self, data: "SegmentedChips") -> None:
        """Move the folder of segmented chips into its place."""
        adopt_folder(data.folder, self.save_folder)

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first rows of the table, for Kedro-Viz."""
        return table_preview(self.load())
