"""What inference found, as files for a GIS."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.previews import TablePreview, table_preview, where_there_are_data

if TYPE_CHECKING:
    from mining_the_mines.mapping.chip_segmentation import Outcome


class SegmentationResultsDataset(FolderDataset["Iterable[Outcome]", pd.DataFrame]):
    """Rasters, polygons and a table of outlined chips, written chip by chip while they are outlined."""

    def load(self) -> pd.DataFrame:
        """Read the table of what was found in each chip.

        Raises:
            BadInputError: There is none, or it is another table.
        """
        from mining_the_mines.mapping.segmentation_files import read_segmentation_table

        return read_segmentation_table(self.load_folder)

    def save(self, data: "Iterable[Outcome]") -> None:
        """Outline and write chip after chip."""
        from mining_the_mines.mapping.segmentation_files import write_segmented_chips

        write_segmented_chips(data, self.save_folder)

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first rows of the table, for Kedro-Viz."""
        return table_preview(self.load())
