"""Mapping a scene: time against a bare loop and against rivals, memory, and what a second worker brings.

``time``: 6 bands of 8192 × 8192 pixels, windows of 256 at a stride of 192, a trivial network. The bare loop gives the
network the same windows from memory and does nothing with the answers, in batches of several sizes. Ours starts from
the file and ends with a Cloud-Optimized GeoTIFF. Beside it stands GDAL alone, which decodes that file and writes
a raster of that size, as each map has to. The rivals:
terratorch's ``tiled_inference`` on a tensor in memory, neither read nor written, in an environment of its own; and a
naive loop over rasterio's windows with accumulators of the whole scene, which writes a plain GeoTIFF. Limit: ours takes
at most 1.15 × the processor time of the bare loop at the batch size that suits it best.

``memory``: 12 bands of 10 980 × 10 980 pixels, from the file to polygons, on two workers. Limits: all processes
together take at most 1.5 GB above what libraries and model take, and for half the height the same to within 10 %.

``workers``: two workers against one, until all rows are predicted, with a network that has eight times as much to do on
its one thread, as any real one has. Limit: 1.6 × as fast.

``cost``: seconds and cents for a tile of 10 980 × 10 980 pixels in 12 bands by model: segmenter and student that
``kedro run`` has left in ``--models``. Each maps two scenes with the settings of ``conf/base``, from the file to
polygons, on two workers. A pixel costs the difference of both divided by that of their pixels; a tile costs so much a
pixel more than the larger scene, and the start of the process. The student's scenes are as wide as a tile, since what
reading costs follows the width. Beside it stands the bare loop of the same network over the same windows on one thread,
at its best batch size. Seconds are those that two cores work at full load, so that other programs do not count. Limits:
the student takes at most 180 s, and a 25th of the segmenter's time.

Polygons have a script of their own, ``mapping_polygons.py``.

    python benchmarks/mapping.py [--part time|memory|workers|cost] [--folder FOLDER] [--price 0.04]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import rasterio
import torch
import yaml
from affine import Affine
from rasterio.windows import Window
from torch import nn

if TYPE_CHECKING:
    from mining_the_mines.chips.quality import ChipSettings
    from mining_the_mines.mapping.plan import ScenePlan

BANDS = ("B2", "B3", "B4", "B8", "B11", "B12", "B1", "B5", "B6", "B7", "B8A", "B9")
WINDOW, STRIDE = 256, 192
#: Windows that the rivals' network is given at a time, as terratorch does by itself; and what the bare loop tries.
BATCH, BATCHES = 16, (1, 2, 4, 8, 16)
#: Features of the trivial network, and of one that has more to do than reading and writing.
TRIVIAL, BUSY = 8, 64
TIME_LIMIT, MEMORY_LIMIT_MB, HEIGHT_LIMIT, WORKERS_LIMIT = 1.15, 1500, 1.10, 1.6
TERRATORCH = "terratorch==1.2.13"
PROJECT = Path(__file__).parents[1]
#: Edge of a Sentinel-2 tile in pixels of 10 m, and workers that map it.
TILE, WORKERS = 10_980, 2
#: Width of the scenes that models map, and heights of the small and the larger one: as many windows a pixel as a tile
#: has, in whole batches.
COST_SCENES = {"segmenter": (1536, 96, 192), "student": (TILE, 240, 768)}
#: Sizes of batches that the bare loop of a stored model tries.
PROBED = (8, 16, 32)
TILE_LIMIT, CHEAPER_LIMIT = 180, 25


class Trivial(nn.Module):
    """Two convolutions: as few as touch every number once, or more of them.

    Args:
        bands: Number of bands.
        width: Number of features between both.
    """

    def __init__(self, bands: int, width: int = TRIVIAL) -> None:
        super().__init__()
        torch.manual_seed(0)
        layers = (nn.Conv2d(bands, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 1), nn.Sigmoid())
        self.layers = nn.Sequential(*layers)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Give (B, H, W) for (B, bands, H, W)."""
        maps: torch.Tensor = self.layers(windows)[:, 0]
        return maps


@dataclass(frozen=True)
class TrivialMap:
    """The trivial network as mapping wants a model."""

    network: Trivial
    chips: "ChipSettings"
    threshold: float = 0.5
    window: int = WINDOW
    coarse: bool = False
    source: None = None
    novelty: None = None

    def predict(self, reflectance: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
        """Probability of each pixel."""
        with torch.inference_mode():
            maps: npt.NDArray[np.float32] = self.network(torch.from_numpy(reflectance)).numpy()
        maps[~np.isfinite(reflectance.sum(axis=1))] = np.nan
        return maps


def load_trivial(folder: Path) -> TrivialMap:
    """Make the model; the folder's name says for how many bands, and how wide."""
    from mining_the_mines.chips.quality import ChipSettings

    bands, width = map(int, folder.name.split("_"))
    return TrivialMap(Trivial(bands, width).eval(), ChipSettings(bands=BANDS[:bands]))


def write_scene(path: Path, bands: int, height: int, width: int) -> None:
    """Write a scene of smooth noise, tiled and deflated; a corner has no data."""
    random = np.random.default_rng(0)
    tile = (
        np.cumsum(random.integers(-9, 10, (bands, 1024, 1024)), axis=2) + 2000 + random.integers(0, 200, (1024, 1024))
    )
    tile = tile.clip(1, 9000).astype(np.uint16)
    profile = {
        "driver": "GTiff", "dtype": "uint16", "count": bands, "height": height, "width": width, "crs": "EPSG:32721",
        "transform": Affine(10, 0, 400_000, 0, -10, 9_000_000), "nodata": 0, "tiled": True, "blockxsize": 512,
        "blockysize": 512, "compress": "deflate", "zlevel": 1, "predictor": 2, "num_threads": "all_cpus",
        "bigtiff": "if_safer",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as image:
        image.descriptions = BANDS[:bands]
        for row in range(0, height, 1024):
            rows = min(1024, height - row)
            strip = np.tile(tile[:, :rows], (1, 1, -(-width // 1024)))[:, :, :width]
            if row == 0:
                strip[:, :300, :300] = 0
            image.write(strip, window=Window(0, row, width, rows))


def write_composite(path: Path, height: int, width: int) -> None:
    """Write the same scene in 12 bands as the project writes its composites."""
    from mining_the_mines.rasters.cog import CogLayout, write_cog

    path.parent.mkdir(parents=True, exist_ok=True)
    plain = path.with_suffix(".noise.tif")
    write_scene(plain, 12, height, width)
    with rasterio.open(plain) as source:
        layout = CogLayout(
            source.crs, source.transform, height, width, BANDS, "uint16", 0, 1e-4, compression="zstd"
        )  # fmt: skip
        write_cog(path, layout, [(slice(0, height), slice(0, width), source.read())], {})
    plain.unlink()


def plan(path: Path, bands: int, folder: Path, width: int = TRIVIAL) -> "ScenePlan":
    """Lay out the mapping of a scene."""
    from mining_the_mines.mapping.plan import PermitFiles, StoredModel, plan_scene
    from mining_the_mines.mapping.settings import MappingSettings, TilingSettings
    from mining_the_mines.rasters.scene import Scene

    stored = StoredModel(folder / f"{bands}_{width}", load_trivial, "trivial", "1", "trivial")
    settings = MappingSettings(tiling=TilingSettings(window=WINDOW, overlap=1 - STRIDE / WINDOW))
    return plan_scene(Scene("scene", path, str(path)), stored, settings, PermitFiles())


def run_ours(path: Path, bands: int, folder: Path, workers: int, width: int = TRIVIAL) -> dict[str, float]:
    """Make the map of probability of a scene with this project."""
    from mining_the_mines.core.dask_client import DaskSettings, run_blocks
    from mining_the_mines.mapping.probability_raster import write_probability
    from mining_the_mines.mapping.scene_maps import map_part

    scene = plan(path, bands, folder, width)
    parts = scene.parts(folder / "maps")
    warm_up(bands)
    begin, worked = time.perf_counter(), time.process_time()
    run_blocks(map_part, scene, parts, DaskSettings(workers=workers), lambda: None)
    predicted = time.perf_counter() - begin
    write_probability(folder / "probability.tif", scene.probability, parts, {})
    return figures(begin, worked) | {"predicting": predicted}


def figures(begin: float, worked: float) -> dict[str, float]:
    """Seconds since a beginning, of the clock and of all cores, and the most memory so far."""
    seconds, work = time.perf_counter() - begin, time.process_time() - worked
    return {"seconds": seconds, "work": work, "peak_mb": memory_mb("VmHWM")}


def run_gdal(path: Path, _bands: int, folder: Path) -> dict[str, float]:
    """Decode the file and write a Cloud-Optimized GeoTIFF of that size, as each map has to."""
    from mining_the_mines.rasters.cog import CogLayout, write_cog

    begin, worked = time.perf_counter(), time.process_time()
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), rasterio.open(path) as source:
        spans = [slice(row, min(row + 1024, source.height)) for row in range(0, source.height, 1024)]
        across = slice(0, source.width)
        read = ((rows, across, source.read(window=Window.from_slices(rows, across))) for rows in spans)
        blocks = ((rows, across, pixels[:1].astype(np.float16).astype(np.float32)) for rows, across, pixels in read)
        layout = CogLayout(source.crs, source.transform, source.height, source.width, ("map",), "float16")
        write_cog(folder / "gdal.tif", layout, blocks, {})
    return figures(begin, worked)


def run_whole(path: Path, bands: int, folder: Path) -> dict[str, float]:
    """Map a scene with this project from the file to polygons, on two workers."""
    from mining_the_mines.core.dask_client import DaskSettings
    from mining_the_mines.mapping.scene_maps import make_maps

    scene = plan(path, bands, folder)
    warm_up(bands)
    base = memory_mb()
    begin = time.perf_counter()
    maps = make_maps([scene], [], folder / "maps", DaskSettings(workers=2)).maps
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "peak_mb": memory_mb("VmHWM"), "base_mb": base, "mines": maps[0].record.mines}


def run_bare(path: Path, bands: int, folder: Path, size: int) -> dict[str, float]:
    """Give the network the same windows from memory, in batches."""
    scene = plan(path, bands, folder).probability
    with rasterio.open(path) as source:
        rows, columns = (
            axis.mirrored(axis.starts[0], axis.starts[-1] + WINDOW) for axis in (scene.rows, scene.columns)
        )
        pixels = source.read().astype(np.float32)[:, rows][:, :, columns] / 10_000
    corners = [
        (row - scene.rows.starts[0], column - scene.columns.starts[0])
        for row in scene.rows.starts
        for column in scene.columns.starts
    ]
    network = Trivial(bands).eval()
    held = torch.from_numpy(pixels)
    warm_up(bands)
    begin, worked = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        for first in range(0, len(corners), size):
            batch = corners[first : first + size]
            network(torch.stack([held[:, row : row + WINDOW, column : column + WINDOW] for row, column in batch]))
    return figures(begin, worked)


def run_naive(path: Path, bands: int, folder: Path) -> dict[str, float]:
    """Loop over rasterio's windows with accumulators of the whole scene, as notebooks do."""
    network = Trivial(bands).eval()
    ramp = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW) ** 2
    weight = np.outer(ramp, ramp).astype(np.float32)
    warm_up(bands)
    begin, worked = time.perf_counter(), time.process_time()
    with rasterio.open(path) as source, torch.inference_mode():
        total, weights = np.zeros(source.shape, np.float32), np.zeros(source.shape, np.float32)
        starts = [sorted({*range(0, edge - WINDOW, STRIDE), edge - WINDOW}) for edge in source.shape]
        for row in starts[0]:
            for column in starts[1]:
                pixels = source.read(window=Window(column, row, WINDOW, WINDOW)).astype(np.float32) / 10_000
                answer = network(torch.from_numpy(pixels)[None])[0].numpy()
                total[row : row + WINDOW, column : column + WINDOW] += answer * weight
                weights[row : row + WINDOW, column : column + WINDOW] += weight
        profile = source.profile | {"count": 1, "dtype": "float32", "predictor": 3}
        with rasterio.open(folder / "naive.tif", "w", **profile) as image:
            image.write(total / weights, 1)
    return figures(begin, worked)


def run_terratorch(path: Path, bands: int, _folder: Path) -> dict[str, float]:
    """Terratorch's own tiling and blending of a tensor in memory."""
    from terratorch.tasks.tiled_inference import tiled_inference  # type: ignore[import-not-found] # another environment

    with rasterio.open(path) as source:
        pixels = torch.from_numpy(source.read().astype(np.float32) / 10_000)[None]
    network = Trivial(bands).eval()
    warm_up(bands)
    with torch.inference_mode():
        begin, worked = time.perf_counter(), time.process_time()
        tiled_inference(
            lambda windows, **_: network(windows)[:, None], pixels, crop=WINDOW, stride=STRIDE,
            blend_overlaps=True, batch_size=BATCH, verbose=False,
        )  # fmt: skip
    return figures(begin, worked)


def warm_up(bands: int) -> None:
    """Let the network set itself up."""
    with torch.inference_mode():
        Trivial(bands)(torch.zeros(BATCH, bands, WINDOW, WINDOW))


def memory_mb(figure: str = "VmRSS") -> float:
    """Memory of this process: now, or with ``VmHWM`` the most that it ever had."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(figure))) / 1024


def run_role(role: str, path: Path, bands: int, python: str = sys.executable) -> dict[str, float]:
    """Run one of the contestants in a process of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [python, __file__, "--role", role, "--scene", str(path), "--bands", str(bands), "--folder", folder]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{role} failed:\n{answer.stderr[-3000:]}")
    told: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return told


def play(role: str, path: Path, bands: int, folder: Path) -> dict[str, float]:
    """Be one of the contestants."""
    roles: dict[str, Callable[[Path, int, Path], dict[str, float]]] = {
        **{f"bare_{size}": partial(run_bare, size=size) for size in BATCHES},
        "gdal": run_gdal,
        "naive": run_naive,
        "terratorch": run_terratorch,
        "ours": partial(run_ours, workers=2),
        "one": partial(run_ours, workers=1, width=BUSY),
        "two": partial(run_ours, workers=2, width=BUSY),
        "whole": run_whole,
    }
    return roles[role](path, bands, folder)


def compare_times(folder: Path, times: int) -> bool:
    """Print times of all contestants over the same scene."""
    path = folder / "time.tif"
    if not path.exists():
        write_scene(path, 6, 8192, 8192)
    bare_loops = [f"bare_{size}" for size in BATCHES]
    pythons = dict.fromkeys((*bare_loops, "ours", "gdal", "naive"), sys.executable)
    pythons["terratorch"] = terratorch_python(folder)
    runs: dict[str, list[dict[str, float]]] = {role: [] for role in pythons}
    for _ in range(times):
        for role, interpreter in pythons.items():
            runs[role].append(run_role(role, path, 6, interpreter))
    names = {
        **{f"bare_{size}": f"bare loop in batches of {size}, from memory, nothing written" for size in BATCHES},
        "ours": "ours, from file to GeoTIFF",
        "gdal": "GDAL alone, decoding the file and writing a GeoTIFF",
        "naive": "naive loop over windows, from file to GeoTIFF",
        "terratorch": "terratorch's tiled_inference, from memory, nothing written",
    }
    told = {
        role: {figure: median(run[figure] for run in found) for figure in ("seconds", "work", "peak_mb")}
        for role, found in runs.items()
    }
    bare = min(told[loop]["work"] for loop in bare_loops)
    print(f"6 × 8192 × 8192 pixels, windows of {WINDOW} at {STRIDE}; medians of {times}; s of the clock, of all cores")
    for role, name in names.items():
        seconds, work, peak = told[role].values()
        print(f"  {name:60} {seconds:6.1f} s {work:6.1f} s  {work / bare:5.2f} ×  {peak:6.0f} MB")
    ratio = told["ours"]["work"] / bare
    print(f"  ours against the bare loop: {ratio:.2f} (limit {TIME_LIMIT})")
    return ratio <= TIME_LIMIT


def compare_memory(folder: Path) -> bool:
    """Print how much memory scenes of full and of half height take."""
    peaks = []
    for height in (10_980, 5_490):
        path = folder / f"memory_{height}.tif"
        if not path.exists():
            write_scene(path, 12, height, 10_980)
        run = run_role("whole", path, 12)
        peaks.append(run["peak_mb"] - run["base_mb"])
        print(
            f"  12 × {height} × 10980: {peaks[-1]:.0f} MB above {run['base_mb']:.0f} MB of libraries and model, "
            f"{run['seconds']:.0f} s, {run['mines']:.0f} mines"
        )
    ratio = peaks[0] / peaks[1]
    print(f"  limit {MEMORY_LIMIT_MB} MB; full against half the height: {ratio:.2f} (limit {HEIGHT_LIMIT})")
    return peaks[0] <= MEMORY_LIMIT_MB and ratio <= HEIGHT_LIMIT


def compare_workers(folder: Path, times: int) -> bool:
    """Print how much faster two workers are than one."""
    path = folder / "time.tif"
    if not path.exists():
        write_scene(path, 6, 8192, 8192)
    runs = [(run_role("one", path, 6), run_role("two", path, 6)) for _ in range(times)]
    one, two = (median(run[side]["predicting"] for run in runs) for side in (0, 1))
    print(f"  one worker {one:.1f} s, two workers {two:.1f} s: {one / two:.2f} × (limit {WORKERS_LIMIT})")
    return one / two >= WORKERS_LIMIT


def tile_seconds(stored: Path, folder: Path, width: int, heights: Sequence[int]) -> float:
    """Map a small and a larger scene with a stored segmenter; core seconds for a tile."""
    from mining_the_mines.core.dask_client import DaskSettings
    from mining_the_mines.mapping.scene_maps import make_maps

    seconds = []
    for height in (heights[0], *heights):  # the first map is made to load libraries and the model
        scene = plan_with(stored, folder, width, height)
        with tempfile.TemporaryDirectory(dir=folder) as maps:
            begin = time.process_time()
            make_maps([scene], [], Path(maps), DaskSettings(workers=WORKERS))
            seconds.append(time.process_time() - begin)
    first, small, large = seconds
    a_pixel = (large - small) / (width * (heights[1] - heights[0]))
    return large + first - small + a_pixel * (TILE**2 - width * heights[1])


def plan_with(stored: Path, folder: Path, width: int, height: int) -> "ScenePlan":
    """Lay out the mapping of a scene by a stored segmenter, with the settings of ``conf/base``."""
    from mining_the_mines.mapping.plan import PermitFiles, StoredModel, plan_scene
    from mining_the_mines.mapping.settings import MappingSettings
    from mining_the_mines.models.predictor import load_pixel_predictor
    from mining_the_mines.rasters.scene import Scene

    path = folder / f"cost_{width}_{height}.tif"
    if not path.exists():
        write_composite(path, height, width)
    stated = yaml.safe_load((PROJECT / "conf" / "base" / "parameters_mapping.yml").read_text(encoding="utf-8"))
    model = StoredModel(stored, load_pixel_predictor, stored.name, "1", stored.name)
    settings = MappingSettings.model_validate(stated["mapping"])
    return plan_scene(Scene("scene", path, str(path)), model, settings, PermitFiles())


def bare_tile_seconds(stored: Path, scene: "ScenePlan") -> float:
    """Give the network windows in a bare loop on one thread; core seconds for all windows of a tile."""
    from mining_the_mines.mapping.windows import cut_axis
    from mining_the_mines.models.storage import load_segmenter

    segmenter, axis = load_segmenter(stored), scene.probability.rows
    overlap = 1 - (axis.starts[1] - axis.starts[0]) / axis.window
    count = len(cut_axis(TILE, axis.window, overlap, axis.blend).starts) ** 2
    windows = torch.rand(max(PROBED), len(segmenter.chips.bands), axis.window, axis.window) * 0.3 + 0.05
    torch.set_num_threads(1)
    loops = []
    with torch.inference_mode():
        segmenter.module(windows)
        for size in PROBED:
            begin = time.process_time()
            for first in range(0, len(windows), size):
                segmenter.module(windows[first : first + size])
            loops.append((time.process_time() - begin) / len(windows) * count)
    return min(loops)


def compare_costs(folder: Path, models: Path, price: float) -> bool:
    """Print what a tile costs by model."""
    print(f"A tile of 12 × {TILE} × {TILE} pixels, {WORKERS} cores; {price:g} dollars per core hour")
    tile: dict[str, float] = {}
    for name, (width, *heights) in COST_SCENES.items():
        stored = max(models.glob(f"{name}/*/*"), default=None)
        if stored is None:
            print(f"  {models} holds no {name}: run kedro run, and kedro run --pipelines=student, first.")
            sys.exit(2)
        whole = tile_seconds(stored, folder, width, heights)
        bare = bare_tile_seconds(stored, plan_with(stored, folder, width, heights[0]))
        tile[name] = whole / WORKERS
        cents = whole / 3600 * price * 100
        print(f"  {name:10} {tile[name]:6.0f} s  {cents:6.2f} cents  {whole / bare:5.2f} × the bare loop")
    cheaper = tile["segmenter"] / tile["student"]
    print(f"  the student is {cheaper:.0f} × cheaper (limit {CHEAPER_LIMIT}), a tile takes {TILE_LIMIT} s at most")
    return cheaper >= CHEAPER_LIMIT and tile["student"] <= TILE_LIMIT


def terratorch_python(folder: Path) -> str:
    """An environment with terratorch, which pins other libraries than this project; made if it is not there."""
    environment = folder / "terratorch"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "uv", "venv", "--quiet", str(environment)], check=True)
        same = [f"{name}=={version(name)}" for name in ("torch", "torchvision", "numpy")]
        subprocess.run(
            [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), TERRATORCH, *same],
            check=True,
        )
    return str(python)


def main() -> int:
    """Run the parts asked for; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("time", "memory", "workers", "cost"), help="only this part")
    parser.add_argument("--folder", type=Path, help="where scenes are kept; a temporary folder by default")
    parser.add_argument("--models", type=Path, default=PROJECT / "data" / "simulated" / "06_models")
    parser.add_argument("--times", type=int, default=3, help="runs of each contestant")
    parser.add_argument("--price", type=float, default=0.04, help="dollars per core hour")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--scene", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bands", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        print(json.dumps(play(given.role, given.scene, given.bands, given.folder)))
        return 0
    parts: dict[str, Callable[[Path], bool]] = {
        "time": partial(compare_times, times=given.times),
        "memory": compare_memory,
        "workers": partial(compare_workers, times=given.times),
    }
    parts["cost"] = partial(compare_costs, models=given.models, price=given.price)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        met = [part(folder) for name, part in parts.items() if given.part in (None, name)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
