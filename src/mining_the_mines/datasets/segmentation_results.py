"""What inference found, as files for a GIS."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mining_the_mines.core.paths import find
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.previews import ImagePreview, picture_preview, where_there_are_data
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS

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
    def preview(self, chips: str | None = None, bands: Sequence[str] = COMPETITION_BANDS) -> ImagePreview:
        """The masks with most mine over their chips, for Kedro-Viz.

        Args:
            chips: Folder of the chips' files, from the project's own; the catalog names it under ``preview_args``.
            bands: Of these files, where they don't say.
        """
        from mining_the_mines.reporting.preview_tiles import CHIP_COLUMNS, CHIP_SIDE, outlined_tiles

        ground = None if chips is None else Path(find(chips, self.load_folder))
        return picture_preview(outlined_tiles(self.load(), self.load_folder, ground, bands), CHIP_SIDE, CHIP_COLUMNS)
