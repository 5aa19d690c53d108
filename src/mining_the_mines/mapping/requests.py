"""Maps that are wanted: from what a person names to what is to be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mining_the_mines.core.progress import Count
from mining_the_mines.mapping.completion import PermitFiles, ScenePlan
from mining_the_mines.mapping.map_facts import MapFacts
from mining_the_mines.mapping.model import MapModel, StoredModel
from mining_the_mines.mapping.plan import plan_probability
from mining_the_mines.mapping.row_bands import load_once
from mining_the_mines.mapping.scene_discovery import StacScene, find_scenes
from mining_the_mines.mapping.scene_map import SceneMaps, UnmappedScene
from mining_the_mines.mapping.scene_maps import SCENE_FAULTS, make_maps
from mining_the_mines.mapping.settings import MappingSettings
from mining_the_mines.mapping.stac_scenes import StacReading, composite_item
from mining_the_mines.rasters.scene import Scene, lay_grid


@dataclass(frozen=True)
class MapRequest:
    """Maps that are made when it is known where to.

    Attributes:
        scenes: The scenes, or how a person names them.
        model: Where the model lies.
        settings: How scenes are mapped.
        permits: Layers to compare with.
        reading: How scenes of archives are read, and where the work is done.
    """

    scenes: str | Sequence[str] | Sequence[Scene]
    model: StoredModel
    settings: MappingSettings
    permits: PermitFiles
    reading: StacReading

    def make(self, folder: Path, composites: Path, progress: Count) -> SceneMaps:
        """Make the maps that are not there yet.

        Args:
            folder: Where to.
            composites: Where composites of single scenes lie.
            progress: Shows how far the work is.

        Returns:
            The maps.

        Raises:
            BadInputError: See :func:`mining_the_mines.mapping.scene_maps.make_maps`.
        """
        model = load_once(self.model)
        plans: list[ScenePlan] = []
        unmapped: list[UnmappedScene] = []
        for found in self._find():
            try:
                scene = self._reachable(found, model, composites, progress)
                plans.append(self._plan(scene, model))
            except SCENE_FAULTS as error:
                unmapped.append(UnmappedScene(found.name, found.source, str(error)))
        return make_maps(plans, unmapped, folder, self.reading.dask, progress)

    def _find(self) -> list[Scene | StacScene]:
        if isinstance(self.scenes, str):
            return find_scenes(self.scenes)
        scenes = [scene for scene in self.scenes if isinstance(scene, Scene)]
        return list(scenes) or find_scenes([name for name in self.scenes if isinstance(name, str)])

    def _reachable(self, found: Scene | StacScene, model: MapModel, composites: Path, progress: Count) -> Scene:
        if isinstance(found, Scene):
            return found
        return composite_item(found, model.chips.bands, self.reading, composites, progress)

    def _plan(self, scene: Scene, model: MapModel) -> ScenePlan:
        settings = self.settings
        grid = lay_grid(scene, model.chips, settings.pixel, resample=settings.resample)
        probability = plan_probability(scene, self.model, model, settings.tiling, settings.precision, grid)
        days = sorted(scene.dates)
        facts = MapFacts(
            scene.name, self.model.name, self.model.version, days[0] if days else None, days[-1] if days else None
        )
        permits, files = self.permits, scene.file_hashes()
        return ScenePlan(probability, facts, model.chips, model.threshold, settings, permits, files)
