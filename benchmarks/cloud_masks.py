"""Which clouds and shadows does each mask miss, and how much clear ground does it take?

The default simulated series knows the clouds of every date. Prints the share of the pixels of each kind that each
source of masks (``compositing.clear_sky.source``) masks, with the default settings, over all regions and dates; then
the error of the composites that come of it. Run it with ``python benchmarks/cloud_masks.py``; it fails if both sources
together miss more thick cloud than one alone, or composites of theirs are more than 1.1 × as far from the ground as
those of the scene classification.

The scene classification is simulated with its errors (:mod:`mining_the_mines.simulation.clouds`), so its figures say
what those assumptions say. The networks have seen none of this.
"""

import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.scenes.cloud_masks import mask_clouds
from mining_the_mines.scenes.composites import RegionPlan, make_composites, plan_composites
from mining_the_mines.scenes.compositing import composite_block
from mining_the_mines.scenes.grids import middle_longitude
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import NO_MASK, AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS, TRUE_COLOUR
from mining_the_mines.sentinel2.reflectance import NODATA, decode
from mining_the_mines.sentinel2.scene_classification import ClearSkySettings
from mining_the_mines.simulation import Plan, SeriesSettings, build_landscape, write_simulated_series
from mining_the_mines.simulation.clouds import Clouds, grow_clouds
from mining_the_mines.simulation.passes import plan_passes
from mining_the_mines.simulation.places import place_in

#: The package of the networks grows its masks by 120 m.
SOURCES = {
    "scl": ClearSkySettings(source="scl"),
    "csmask": ClearSkySettings(source="csmask"),
    "csmask 120 m": ClearSkySettings(source="csmask", dilation_metres=120),
    "both": ClearSkySettings(source="both"),
}
#: Kinds of pixels, the first that fits. Masks grow by 40 m over the ground around, also those without any fault.
KINDS = ("thick cloud", "thin cloud", "cirrus", "shadow", "bright ground", "other ground")
_BRIGHT = 0.2
_WORSE = 1.1
Mask = npt.NDArray[np.bool_]


def main() -> int:
    """Simulate, mask, compare."""
    masked: dict[str, Counter[str]] = {source: Counter() for source in SOURCES}
    pixels: Counter[str] = Counter()
    errors: dict[str, list[float]] = defaultdict(list)
    dates: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "archive"
        write_simulated_series(archive, SeriesSettings())
        acquisition = AcquisitionSettings(regions={}).of_archive(archive)
        choice = select_scenes(acquisition, COMPETITION_BANDS, "scl")
        for source, sky in SOURCES.items():
            settings = CompositingSettings(clear_sky=sky)
            folder, start = Path(scratch) / sky.source, time.perf_counter()
            ours = mask_clouds(choice, settings, acquisition, folder, DaskSettings())
            took = time.perf_counter() - start
            plans = plan_composites(ours, COMPETITION_BANDS, settings, acquisition)
            print(f"{source}: masks of {sum(map(len, ours.items.values()))} scenes took {took:.1f} s")
            for plan, made in zip(plans, make_composites(plans, folder, DaskSettings()), strict=True):
                truth, composite = _read(archive / "truth" / f"{plan.region.name}.tif"), _read(made.image)
                both = ((composite != NODATA) & (truth != NODATA)).all(axis=0)
                off = decode(composite[:, both]) - decode(truth[:, both])
                errors[source].append(float(np.sqrt((off.astype(np.float64) ** 2).mean())))
                dates[source].append(float(_read(made.clear_dates).mean()))
                for clear, seen, clouds in _days(plan):
                    kinds = _kinds(clouds, truth)
                    for place, kind in enumerate(KINDS):
                        inside = seen & (kinds == place)
                        masked[source][kind] += int((inside & ~clear).sum())
                        if source == "scl":
                            pixels[kind] += int(inside.sum())
    return int(not _print_tables(masked, pixels, errors, dates))


def _days(plan: RegionPlan) -> Iterator[tuple[Mask, Mask, Clouds]]:
    """Where each day is clear by the plan's mask, where it has data, and the day's true clouds."""
    unmasked = CompositingSettings(mask_asset=NO_MASK)
    longitude = middle_longitude(plan.grid)
    items = defaultdict(list)
    for item in plan.items:
        items[SceneFacts.of(item).day(longitude)].append(item)
    clouds = _true_clouds(plan.region.name)
    for day, scenes in items.items():
        alone = replace(plan, items=tuple(scenes))
        bare = replace(alone, settings=unmasked)
        clear = composite_block(alone.stack, plan.grid, alone.settings).clear_dates > 0
        yield clear, composite_block(bare.stack, plan.grid, unmasked).clear_dates > 0, clouds[day]


def _true_clouds(province: str) -> dict[date, Clouds]:
    """Clouds of a region by day, drawn as the series draws them."""
    settings = SeriesSettings()
    seed = np.random.SeedSequence([settings.seed, zlib.crc32(province.encode())])
    ground, season, *dates = (np.random.default_rng(child) for child in seed.spawn(2 + settings.dates))
    plan = Plan(pixels=settings.pixels, slots=settings.slots, mines=settings.mines)
    landscape = build_landscape(place_in(province, ground), plan, ground)
    passes = plan_passes(landscape.place, settings, season)
    return {
        one.moment.date(): grow_clouds(landscape.pixels, one.weather, one.sky.sun, rng)
        for one, rng in zip(passes, dates, strict=True)
    }


def _kinds(clouds: Clouds, truth: npt.NDArray[np.uint16]) -> npt.NDArray[np.int_]:
    """Kind of each pixel as its place in :data:`KINDS`."""
    visible = decode(truth[[COMPETITION_BANDS.index(band) for band in TRUE_COLOUR]]).mean(axis=0)
    tests = [clouds.opacity > 0.5, clouds.opacity > 0.1, clouds.cirrus > 0.05, clouds.shadow > 0.3, visible > _BRIGHT]
    return np.select(tests, range(len(tests)), len(tests))


def _read(path: Path) -> npt.NDArray[np.uint16]:
    with rasterio.open(path) as raster:
        numbers: npt.NDArray[np.uint16] = raster.read()
    return numbers


def _print_tables(
    masked: dict[str, Counter[str]], pixels: Counter[str], errors: dict[str, list[float]], dates: dict[str, list[float]]
) -> bool:
    whole = sum(pixels.values())
    print(f"\n{'masked':14} {'of pixels':>9} " + " ".join(f"{source:>12}" for source in SOURCES))
    for kind in KINDS:
        shares = " ".join(f"{masked[source][kind] / max(1, pixels[kind]):12.1%}" for source in SOURCES)
        print(f"{kind:14} {pixels[kind] / whole:9.1%} {shares}")
    mean = {source: float(np.mean(errors[source])) for source in SOURCES}
    print(f"\n{'composite RMSE':24} " + " ".join(f"{mean[source]:12.4f}" for source in SOURCES))
    print(f"{'clear dates a pixel':24} " + " ".join(f"{np.mean(dates[source]):12.2f}" for source in SOURCES))
    thick = {source: masked[source]["thick cloud"] for source in SOURCES}
    kept = thick["both"] >= max(thick["scl"], thick["csmask"]) and mean["both"] <= _WORSE * mean["scl"]
    verdict = "kept" if kept else "MISSED"
    print(f"\nboth miss no more thick cloud than one alone, and their composites are as near: {verdict}")
    return kept


if __name__ == "__main__":
    sys.exit(main())
