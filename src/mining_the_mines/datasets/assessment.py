"""Samples as the catalog sees them."""

from typing import TYPE_CHECKING, Final

import pandas as pd

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.previews import TablePreview, table_preview, where_there_are_data

if TYPE_CHECKING:
    import geopandas as gpd

_TABLE: Final = "sample.parquet"


class SampleDataset(FolderDataset["gpd.GeoDataFrame", "gpd.GeoDataFrame | None"]):
    """A sample as GeoParquet, beside the same as files for a GIS and for programs in which people judge places."""

    def load(self) -> "gpd.GeoDataFrame | None":
        """Read the sample."""
        return self._read()

    def save(self, data: "gpd.GeoDataFrame") -> None:
        """Write the sample in all formats."""
        from mining_the_mines.assessment.sample_files import write_sample_files
        from mining_the_mines.geo.polygon_files import write_geoparquet

        with whole_folder(self.save_folder) as draft:
            write_geoparquet(data, draft / _TABLE)
            write_sample_files(data, draft)

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first places, for Kedro-Viz."""
        return table_preview(pd.DataFrame(self._read().drop(columns="geometry")))

    def _read(self) -> "gpd.GeoDataFrame":
        import geopandas as gpd

        return gpd.read_parquet(self.load_folder / _TABLE)


class EarlierSampleDataset(SampleDataset):
    """The last sample before a run; ``None`` before the first."""

    def load(self) -> "gpd.GeoDataFrame | None":
        """Read it."""
        return self._read() if self.exists() else None
