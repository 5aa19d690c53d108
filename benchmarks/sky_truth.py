"""Are composites closer to the ground than the best single date?

The default simulated series comes with the ground as a perfect Sentinel-2 would see it. Prints the root mean square
error of reflectance of each band against it, over the pixels of all regions that composite and date have data of: of
the composites that the default settings make, and of each region's best date, the one with most clear pixels. The
latter is taken whole, with the clouds that are in it, and again on its clear pixels alone, against the composite on the
same pixels. Run it with ``python benchmarks/sky_truth.py``; it fails if a whole date is closer in any band.
"""

import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scenes.composites import RegionPlan, make_composites, plan_composites
from mining_the_mines.scenes.compositing import composite_block
from mining_the_mines.scenes.grids import middle_longitude
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.scene_list import ItemJson
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import NO_MASK, AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.reflectance import NODATA, decode
from mining_the_mines.simulation import SeriesSettings, write_simulated_series

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Errors:
    """Reflectance less that of the ground, float32 (bands, pixels).

    Attributes:
        composite: Of the composite.
        best_date: Of the date with most clear pixels.
        clear: Which pixels are clear on that date, bool (pixels,).
    """

    composite: Pixels
    best_date: Pixels
    clear: npt.NDArray[np.bool_]


def main() -> int:
    """Simulate, compose, compare."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "archive"
        write_simulated_series(archive, SeriesSettings())
        acquisition = AcquisitionSettings(regions={}).of_archive(archive)
        choice = select_scenes(acquisition, COMPETITION_BANDS, "scl")
        plans = plan_composites(choice, COMPETITION_BANDS, CompositingSettings(), acquisition)
        composites = make_composites(plans, Path(scratch) / "composites", DaskSettings())
        regions = [_compare(plan, made, archive) for plan, made in zip(plans, composites, strict=True)]
    return int(not _print_table(regions))


def _compare(plan: RegionPlan, made: Composite, archive: Path) -> Errors:
    truth, composite = _read(archive / "truth" / f"{plan.region.name}.tif"), _read(made.image)
    days = _days(plan)
    seen = {day: composite_block(alone.stack, plan.grid, plan.settings).clear_dates > 0 for day, alone in days.items()}
    day, clear = max(seen.items(), key=lambda entry: int(entry[1].sum()))
    unmasked = replace(days[day], settings=plan.settings.model_copy(update={"mask_asset": NO_MASK}))
    best = composite_block(unmasked.stack, plan.grid, unmasked.settings).numbers
    both = ((composite != NODATA) & (best != NODATA)).all(axis=0)
    print(
        f"{plan.region.name:16} {len(made.dates):2d} dates; the best, {day}, is clear in {clear.mean():.1%}; both have "
        f"data in {both.mean():.1%}"
    )
    ground = decode(truth[:, both])
    return Errors(decode(composite[:, both]) - ground, decode(best[:, both]) - ground, clear[both])


def _days(plan: RegionPlan) -> dict[date, RegionPlan]:
    """The plan of each day alone."""
    items: dict[date, list[ItemJson]] = defaultdict(list)
    for item in plan.items:
        items[SceneFacts.of(item).day(middle_longitude(plan.grid))].append(item)
    return {day: replace(plan, items=tuple(scenes)) for day, scenes in items.items()}


def _read(path: Path) -> npt.NDArray[np.uint16]:
    with rasterio.open(path) as raster:
        numbers: npt.NDArray[np.uint16] = raster.read()
    return numbers


def _print_table(regions: list[Errors]) -> bool:
    """Print the errors of all regions together; whether the composite is closer in every band."""
    composite = np.concatenate([region.composite for region in regions], axis=1)
    best = np.concatenate([region.best_date for region in regions], axis=1)
    clear = np.concatenate([region.clear for region in regions])
    rows = [_rmse(composite), _rmse(best), _rmse(composite[:, clear]), _rmse(best[:, clear])]
    print("\nroot mean square error of reflectance")
    print(f"{'':4} {'whole dates':>30}   {'where the best date is clear':>30}")
    print("band " + "   ".join([f"{'composite':>9} {'best date':>10} {'ratio':>9}"] * 2))
    for band, ours, theirs, ours_clear, theirs_clear in zip(COMPETITION_BANDS, *rows, strict=True):
        print(
            f"{band:4} {ours:9.4f} {theirs:10.4f} {theirs / ours:9.2f}   "
            f"{ours_clear:9.4f} {theirs_clear:10.4f} {theirs_clear / ours_clear:9.2f}"
        )
    kept = bool((rows[0] < rows[1]).all())
    print(f"\ncomposites are closer to the ground in every band: {'kept' if kept else 'MISSED'}")
    return kept


def _rmse(off: Pixels) -> npt.NDArray[np.float64]:
    squares: npt.NDArray[np.float64] = (off.astype(np.float64) ** 2).mean(axis=1)
    return np.sqrt(squares)


if __name__ == "__main__":
    sys.exit(main())
