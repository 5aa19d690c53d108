"""Composites from an archive that is far away: how long they take, against ``odc.stac.load`` on the same scenes.

Four small simulated regions on about ten dates each lie behind a static HTTP server, a process of its own that answers
ranges and waits 80 or 200 ms before each answer. Ours makes composites with 32 connections, the default, and with 64.
The rival loads the same bands of the same scenes on the same grids with ``odc.stac.load``, on each of several numbers
of threads, of which the best counts, then masks, harmonises and takes the median by our own functions. Both start in a
process of their own, with nothing in any cache, and begin with the items that were chosen before. Bands of 10 m must be
equal; those of 20 and 60 m are interpolated by GDAL there, whose last digit differs.

At most the rival's time is wanted, and at most twice the bound: bytes ÷ bandwidth + requests × latency ÷ connections.
The bandwidth is that of fetching the same number of bytes in whole files from the server without waiting.

    python benchmarks/slow_archive.py [--latency MS …] [--threads N …] [--connections N …] [--dates N] [--pixels N]
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote
from urllib.request import Request, urlopen

import numpy as np
import numpy.typing as npt
import rasterio

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.scenes.composites import RegionPlan, make_composites, plan_composites
from mining_the_mines.scenes.compositing import fuse_days
from mining_the_mines.scenes.items import SceneFacts, find_asset
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS
from mining_the_mines.sentinel2.baseline import harmonise, read_scaling
from mining_the_mines.sentinel2.compositing import to_numbers
from mining_the_mines.sentinel2.masked_median import masked_median
from mining_the_mines.sentinel2.reflectance import NODATA
from mining_the_mines.sentinel2.scene_classification import ClearSkySettings, clear_pixels
from mining_the_mines.simulation import SeriesSettings, write_simulated_series

PROVINCES: Final = ("tapajos", "madre_de_dios", "copperbelt", "guiana_shield")
TIME_LIMIT, BOUND_LIMIT = 1.0, 2.0
#: No cloud grows, so that the rival can mask pixels of 10 m.
SETTINGS: Final = CompositingSettings(clear_sky=ClearSkySettings(dilation_metres=0))
_LOOPBACK: Final = "127.0.0.1"


class Archive(BaseHTTPRequestHandler):
    """Answers requests for files and ranges of them after a while, and counts them."""

    protocol_version = "HTTP/1.1"
    folder: Path
    waits = 0.0
    requests = sent = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        """Send a file or a range of it; ``/waits/SECONDS`` sets the wait and returns what was counted before."""
        if self.path.startswith("/waits/"):
            told = json.dumps([Archive.requests, Archive.sent]).encode()
            Archive.waits, Archive.requests, Archive.sent = float(self.path[7:]), 0, 0
            self._send(200, {}, told)
            return
        self._file(body=True)

    def do_HEAD(self) -> None:
        """Send the headers of a file."""
        self._file(body=False)

    def log_message(self, *_: object) -> None:
        """Be silent."""

    def _file(self, *, body: bool) -> None:
        time.sleep(Archive.waits)
        with Archive.lock:
            Archive.requests += 1
        path = Archive.folder / unquote(self.path).lstrip("/")
        if not path.is_file():
            self._send(404, {}, b"")
            return
        size = path.stat().st_size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)) if wanted else (0, size - 1)
        headers = {"Accept-Ranges": "bytes"}
        if wanted:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        if not body:
            self._send(200, headers, b"", size)
            return
        with path.open("rb") as stream:
            stream.seek(first)
            content = stream.read(last - first + 1)
        with Archive.lock:
            Archive.sent += len(content)
        self._send(206 if wanted else 200, headers, content)

    def _send(self, status: int, headers: dict[str, str], content: bytes, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content) if length is None else length)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def serve(folder: Path) -> None:
    """Serve a folder until the process is ended; print the port first."""
    Archive.folder = folder
    server = ThreadingHTTPServer((_LOOPBACK, 0), Archive)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run the server in a process of its own; yields its address."""
    with subprocess.Popen([sys.executable, __file__, "--serve", str(folder)], stdout=subprocess.PIPE, text=True) as run:
        try:
            yield f"http://{_LOOPBACK}:{int(run.stdout.readline()) if run.stdout else 0}"
        finally:
            run.terminate()


def wait(address: str, seconds: float) -> tuple[int, int]:
    """Set the wait before each answer; return the requests and bytes since the last call."""
    with urlopen(f"{address}/waits/{seconds}") as answer:  # noqa: S310 - loopback
        requests, sent = json.loads(answer.read())
    return int(requests), int(sent)


def plans_of(listed: Path, connections: int) -> tuple[RegionPlan, ...]:
    """Plans of the chosen scenes."""
    choice = SceneSelection.from_json(listed.read_text(encoding="utf-8"))
    return plan_composites(choice, COMPETITION_BANDS, SETTINGS, AcquisitionSettings(connections=connections))


def ours(listed: Path, folder: Path, connections: int) -> None:
    """Make composites with some connections; print seconds."""
    plans = plans_of(listed, connections)
    start = time.perf_counter()
    make_composites(plans, folder, DaskSettings(workers=2))
    print(time.perf_counter() - start)


def rival(listed: Path, folder: Path, grids: Path, threads: int) -> None:
    """Load with odc-stac on some threads and reduce by our functions; print seconds."""
    import odc.stac
    import pystac
    from odc.geo.geobox import GeoBox

    plans = plans_of(listed, threads)
    odc.stac.configure_rio(cloud_defaults=True)
    boxes = {}
    for plan in plans:  # the grids of our composites
        with rasterio.open(grids / f"{plan.region.name}.tif") as image:
            boxes[plan.region.name] = GeoBox(image.shape, image.transform, image.crs.to_wkt())
    start = time.perf_counter()
    for plan in plans:
        items = [pystac.Item.from_dict(item) for item in plan.items]
        keys = {band: find_asset(items[0], band) for band in (*plan.bands, "SCL")}
        loaded = odc.stac.load(
            items, bands=list(keys.values()), geobox=boxes[plan.region.name], groupby="id",
            preserve_original_order=True, resampling={"*": "bilinear", keys["SCL"]: "nearest"}, pool=threads,
            fail_on_error=True,
        )  # fmt: skip
        np.save(folder / f"{plan.region.name}.npy", _reduced(loaded, keys, plan))
    print(time.perf_counter() - start)


def _reduced(loaded: Any, keys: dict[str, str], plan: RegionPlan) -> npt.NDArray[np.uint16]:  # noqa: ANN401 - xarray
    longitude = plan.region.middle[0]
    days = [SceneFacts.of(item).day(longitude) for item in plan.items]
    clear = clear_pixels(loaded[keys["SCL"]].values.astype(np.uint8), SETTINGS.clear_sky, 10)
    bands, seen = [], np.ones(clear.shape, np.bool_)
    for band in plan.bands:
        numbers = np.stack(
            [
                harmonise(image.astype(np.uint16), read_scaling(item["properties"], item["assets"][keys[band]]))
                for image, item in zip(loaded[keys[band]].values, plan.items, strict=True)
            ]
        )
        usable = fuse_days(numbers, clear, days)
        bands.append(to_numbers(masked_median(numbers[:, None], usable))[0])
        seen &= usable
    picture = np.stack(bands)
    picture[:, ~seen.any(axis=0)] = NODATA
    return picture


def bandwidth(address: str, folder: Path, wanted: int, connections: int) -> float:
    """Bytes a second, of whole files without waiting."""
    files, size = [], 0
    for path in sorted(folder.rglob("*.tif")):
        if size < wanted:
            files.append(path.relative_to(folder))
            size += path.stat().st_size

    def fetch(path: Path) -> None:
        with urlopen(Request(f"{address}/{path}")) as answer:  # noqa: S310 - loopback
            answer.read()

    wait(address, 0)
    start = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(fetch, files))
    return size / (time.perf_counter() - start)


def run(*arguments: str | Path | int) -> float:
    """Run this script again; returns the seconds that it prints."""
    command = [sys.executable, "-W", "ignore", __file__, *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def compare(address: str, archive: Path, scratch: Path, latency: float, given: argparse.Namespace) -> bool:
    """Print times, ratios and differences at one latency; whether some number of connections keeps the limits."""
    listed = scratch / "scenes.json"
    wait(address, latency)
    mine: dict[int, tuple[float, int, int]] = {}
    for number in given.connections:
        folder = scratch / f"ours_{latency}_{number}"
        seconds = run("--ours", folder, "--scenes", listed, "--connections", number)
        mine[number] = (seconds, *wait(address, latency))
    theirs = {}
    for number in given.threads:
        theirs[number] = run("--rival", number, "--scenes", listed, "--grids", folder, "--result", scratch)
        asked, _ = wait(address, latency)
    best = min(theirs, key=lambda number: theirs[number])
    print(
        f"{latency * 1e3:.0f} ms: odc.stac.load {theirs[best]:.1f} s on {best} threads, its best ("
        f"{', '.join(f'{number}: {seconds:.1f}' for number, seconds in theirs.items())}), {asked} requests"
    )
    kept = False
    for number, (seconds, requests, sent) in mine.items():
        bound = sent / bandwidth(address, archive, sent, number) + requests * latency / number
        ratio, of_bound = seconds / theirs[best], seconds / bound
        print(
            f"  ours with {number} connections {seconds:.1f} s: ratio {ratio:.2f} (at most {TIME_LIMIT} wanted); "
            f"{requests} requests, {sent / 1e6:.0f} MB, bound {bound:.1f} s: ratio {of_bound:.2f} (at most "
            f"{BOUND_LIMIT} wanted)"
        )
        kept |= ratio <= TIME_LIMIT and of_bound <= BOUND_LIMIT
    exact, far = differences(folder, scratch)
    print(f"  bands of 10 m {'equal' if exact else 'NOT EQUAL'}; farthest of 20 and 60 m {far} digital numbers away")
    return exact and kept


def differences(folder: Path, scratch: Path) -> tuple[bool, int]:
    """Whether bands of 10 m are equal in all regions, and the greatest difference of the others on known pixels."""
    exact, far = True, 0
    for path in sorted(folder.glob("*.tif")):
        with rasterio.open(path) as image:
            mine, other = image.read(), np.load(scratch / f"{path.stem}.npy")
        for band, one, two in zip(COMPETITION_BANDS, mine, other, strict=True):
            if BANDS[band].resolution == 10:
                exact &= bool(np.array_equal(one, two))
            else:
                known = (one != NODATA) & (two != NODATA)
                far = max(far, int(np.abs(one.astype(int) - two)[known].max()))
    return exact, far


def main() -> int:
    """Print ratios; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, nargs="+", default=[80, 200], help="milliseconds")
    parser.add_argument("--threads", type=int, nargs="+", default=[8, 16, 32, 64], help="of the rival")
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 64], help="of ours")
    parser.add_argument("--dates", type=int, default=10)
    parser.add_argument("--pixels", type=int, default=504)
    parser.add_argument("--archive", type=Path, help="a simulated archive to use again, or to make")
    for hidden in ("--serve", "--ours", "--scenes", "--grids", "--result"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rival", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
    elif given.ours:
        ours(given.scenes, given.ours, *given.connections)
    elif given.rival:
        rival(given.scenes, given.result, given.grids, given.rival)
    else:
        return measure(given)
    return 0


def measure(given: argparse.Namespace) -> int:
    """Make the archive, and compare at each latency."""
    with tempfile.TemporaryDirectory() as temporary:
        archive = given.archive or Path(temporary) / "archive"
        if not archive.exists():
            write_simulated_series(
                archive, SeriesSettings(provinces=PROVINCES, pixels=given.pixels, mines=10, dates=given.dates)
            )
        with served(archive) as address:
            local = AcquisitionSettings(max_cloud_cover=100).of_archive(archive)
            choice = select_scenes(
                local.model_copy(update={"source": f"{address}/catalog.json"}), COMPETITION_BANDS, "scl"
            )
            (Path(temporary) / "scenes.json").write_text(choice.to_json(), encoding="utf-8")
            print(f"{sum(map(len, choice.items.values()))} scenes of {len(choice.regions)} regions")
            kept = [compare(address, archive, Path(temporary), ms / 1e3, given) for ms in given.latency]
    return int(not all(kept))


if __name__ == "__main__":
    sys.exit(main())
