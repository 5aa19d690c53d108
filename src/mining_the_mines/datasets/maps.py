"""Maps of scenes as the catalog sees them."""

import json
from typing import TYPE_CHECKING, Final

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.previews import (
    ImagePreview,
    NothingToShowError,
    TablePreview,
    picture_preview,
    table_preview,
    where_there_are_data,
)

if TYPE_CHECKING:
    from mining_the_mines.mapping.scene_map import SceneMaps
    from mining_the_mines.scoring.map_scores import MapScores

_TABLE: Final = "scores.parquet"
_MINES: Final = "mines.parquet"
_FACTS: Final = "settings.json"


class SceneMapsDataset(FolderDataset["SceneMaps", "SceneMaps"]):
    """The list of the maps of a run, in the work folder that mapping writes them into, one sub-folder per scene.

    Args:
        filepath: Folder of the maps.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def load(self) -> "SceneMaps":
        """Open the maps of the last run; polygons are read when they are first asked for."""
        from mining_the_mines.mapping.scene_map import open_maps

        return open_maps(self.load_folder)

    def save(self, data: "SceneMaps") -> None:
        """Write the list of the maps."""
        from mining_the_mines.mapping.scene_map import write_index

        write_index(self.save_folder, data)

    @where_there_are_data
    def preview(self) -> ImagePreview:
        """The quicklook of the map with most mines, for Kedro-Viz."""
        import numpy as np
        from PIL import Image

        from mining_the_mines.mapping.scene_map import QUICKLOOK
        from mining_the_mines.reporting.formatting import category_title

        maps = [found for found in self.load().maps if (found.folder / QUICKLOOK).is_file()]
        if not maps:
            raise NothingToShowError
        most = max(maps, key=lambda found: (found.record.mines, found.name))
        with Image.open(most.folder / QUICKLOOK) as image:
            return picture_preview(np.asarray(image.convert("RGB")), category_title(most.name))


class MapScoresDataset(FolderDataset["MapScores", "MapScores"]):
    """Scores of maps with every mine that they were drawn from, as GeoParquet, which a GIS opens."""

    def load(self) -> "MapScores":
        """Read table, mines and settings."""
        import geopandas as gpd
        import pandas as pd

        from mining_the_mines.scoring.map_matching import MapScoreSettings
        from mining_the_mines.scoring.map_scores import MapScores

        folder = self.load_folder
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        return MapScores(
            table=pd.read_parquet(folder / _TABLE),
            objects=gpd.read_parquet(folder / _MINES),
            settings=MapScoreSettings.model_validate(facts["settings"]),
            unscored=tuple(facts["unscored"]),
        )

    def save(self, data: "MapScores") -> None:
        """Write table, mines and settings."""
        facts = {"settings": data.settings.model_dump(mode="json"), "unscored": data.unscored}
        with whole_folder(self.save_folder) as draft:
            data.table.to_parquet(draft / _TABLE, index=False)
            data.objects.to_parquet(draft / _MINES, index=False)
            (draft / _FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first of the scored mines, for Kedro-Viz."""
        mines = self.load().objects
        return table_preview(mines.drop(columns=mines.geometry.name))
