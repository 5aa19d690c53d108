"""Datasets of scenes and composites."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.datasets.folders import FileDataset, FolderDataset
from mining_the_mines.datasets.previews import (
    ImagePreview,
    NothingToShowError,
    TablePreview,
    picture_preview,
    table_preview,
    where_there_are_data,
)
from mining_the_mines.scenes.composite_files import Composite, open_composites, write_index
from mining_the_mines.scenes.scene_list import SceneSelection

#: Longest side of the preview of a composite in pixels.
_PREVIEW_PIXELS: Final = 560


class SceneSelectionDataset(FileDataset[SceneSelection, SceneSelection]):
    """The selected scenes as JSON, so that a later run can use exactly the same scenes."""

    def load(self) -> SceneSelection:
        """Read the list."""
        path = Path(self._get_load_path())
        return SceneSelection.from_json(path.read_text(encoding="utf-8"), path)

    def save(self, data: SceneSelection) -> None:
        """Write the list, whole or not at all."""
        path = Path(self._get_save_path())
        with whole_file(path) as draft:
            draft.write_text(data.to_json(path), encoding="utf-8")

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first scenes, for Kedro-Viz."""
        return table_preview(self.load().table())


class CompositesDataset(FolderDataset[Sequence[Composite], tuple[Composite, ...]]):
    """The index of a folder of composites, one a region; a node makes the rasters in the folder."""

    def load(self) -> tuple[Composite, ...]:
        """Open the composites; pixels are read when they are used."""
        return open_composites(self.load_folder)

    def save(self, data: Sequence[Composite]) -> None:
        """Write the index."""
        write_index(self.save_folder, [composite.region for composite in data])

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
