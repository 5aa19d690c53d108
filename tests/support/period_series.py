"""A tiny series of years: an archive of three dates a year, its composites and its maps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.mapping.plan import StoredModel
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.mapping.settings import MappingSettings, VectorSettings
from mining_the_mines.monitoring.period_composites import composite_periods
from mining_the_mines.monitoring.period_maps import map_periods, plan_periods, scenes_of_composites
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.period_scenes import SceneRequest, select_periods
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scenes.download import check_assets
from mining_the_mines.scenes.regions import read_regions
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import CompositingSettings
from support.scene_files import BANDS, NO_PERMITS, THRESHOLD, store_model
from support.stac_catalogs import NOON, Scene, settings, write_catalog

HERE = DaskSettings(workers=1)
#: Every pixel of a scene counts, whatever its noise says of clouds.
COMPOSITING = CompositingSettings(mask_asset="none", clear_sky={"source": "scl"})
MAPPING = MappingSettings(vectors=VectorSettings(seed=THRESHOLD, grow=THRESHOLD, minimum_hectares=0))


def years(count: int, first: int = 2022) -> tuple[Period, ...]:
    """Calendar years."""
    return tuple(Period(str(year), date(year, 1, 1), date(year, 12, 31)) for year in range(first, first + count))


def write_archive(folder: Path, periods: Sequence[Period], dates: int = 3) -> Path:
    """A static catalog with as many scenes of each period."""
    starts = [(period.start - NOON.date()).days + 10 for period in periods]
    return write_catalog(folder, [Scene(day=start + 5 * number) for start in starts for number in range(dates)])


@dataclass
class Work:
    """Counts what is done: searches, blocks of composites and tasks of maps."""

    searches: int = 0
    pieces: list[int] = field(default_factory=list)

    @contextmanager
    def count(self, total: int, _description: str, /) -> Iterator[Callable[[], None]]:
        """Count blocks or tasks."""
        self.pieces.append(total)
        yield lambda: None

    def check(self, selection: SceneSelection) -> SceneSelection:
        """Count a search, whose scenes are checked."""
        self.searches += 1
        return selection


@dataclass(frozen=True)
class Series:
    """A series in a folder.

    Attributes:
        folder: Folder of all results.
        catalog: Archive of the scenes.
    """

    folder: Path
    catalog: Path

    @property
    def request(self) -> SceneRequest:
        """What is asked of the archive."""
        access = settings(self.catalog)
        regions = read_regions(access.regions or {})
        return SceneRequest(access, regions, BANDS, COMPOSITING.archive_mask, (), {})

    @property
    def model(self) -> StoredModel:
        """The model of all maps."""
        return store_model(self.folder / "model")

    def select(
        self, periods: Sequence[Period], work: Work | None = None, again: Sequence[str] = ()
    ) -> tuple[PeriodResult[SceneSelection], ...]:
        """Select scenes."""
        check = work.check if work else lambda found: check_assets(found, self.request.access)
        return select_periods(periods, self.request, self.folder / "scenes", check, lambda period: period.name in again)

    def composite(self, periods: Sequence[Period], work: Work) -> tuple[PeriodResult[tuple[Composite, ...]], ...]:
        """Select scenes and make composites."""
        access = settings(self.catalog)
        scenes = self.select(periods, work)
        return composite_periods(scenes, BANDS, COMPOSITING, access, HERE, self.folder / "composites", work.count)

    def map(
        self,
        periods: Sequence[Period],
        work: Work | None = None,
        model: StoredModel | None = None,
        *,
        keep_other_models: bool = False,
    ) -> tuple[PeriodResult[SceneMaps], ...]:
        """Go the whole way to the maps."""
        work = work or Work()
        prepared = scenes_of_composites(self.composite(periods, work))
        planned = plan_periods(prepared, model or self.model, MAPPING, NO_PERMITS, ChipSettings(bands=BANDS))
        return map_periods(planned, self.folder / "maps", HERE, work.count, keep_other_models=keep_other_models)
