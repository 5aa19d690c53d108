"""Write a simulated data set of chips, whole or not at all."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import pyogrio.raw
import rasterio
import shapely
from numpy.typing import NDArray
from pydantic import ValidationError
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as reproject
from shapely import MultiPolygon, box

from mining_the_mines.atomic import whole_folder
from mining_the_mines.bad_input import BadInputError
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.simulation.cutting import Window, cut_windows
from mining_the_mines.simulation.landscape import (
    COARSEST_PIXEL,
    PIXEL,
    Landscape,
    Plan,
    build_landscape,
)
from mining_the_mines.simulation.places import Place, choose_places
from mining_the_mines.simulation.sensor import draw_sky, observe
from mining_the_mines.simulation.settings import SimulationSettings

#: Goes up when the same settings begin to give other chips, so that a folder made before is made again.
VERSION = 2

#: Digital numbers per unit of reflectance. No offset is added; 0 means no data.
DIGITAL_NUMBERS = 10_000

Progress = Callable[[Sequence[Future["PlaceRecords"]]], Iterable[Future["PlaceRecords"]]]


@dataclass(frozen=True)
class Quota:
    """How many chips a place has to give.

    Attributes:
        mines: Labelled chips with a mine.
        others: Labelled chips without.
        unlabelled: Chips without label; of these, ``unlabelled_mines`` show one.
        unlabelled_mines: See there.
    """

    mines: int
    others: int
    unlabelled: int
    unlabelled_mines: int

    @property
    def chips(self) -> int:
        """All chips of the place."""
        return self.mines + self.others + self.unlabelled


@dataclass(frozen=True)
class ChipLabel:
    """A row of ``labels.csv``."""

    filename: str
    label: int
    category: str
    longitude: float
    latitude: float
    group: str


@dataclass(frozen=True)
class MineOutline:
    """A row of ``mines.gpkg``: a mine as one chip sees it; the geometry is the whole mine's."""

    filename: str
    kind: str
    group: str
    area_m2: float
    area_in_chip_m2: float
    epsg: int
    geometry: MultiPolygon


@dataclass(frozen=True)
class PlaceRecords:
    """What one place adds to the tables."""

    labels: tuple[ChipLabel, ...]
    outlines: tuple[MineOutline, ...]


def write_simulated_chips(
    folder: Path,
    settings: SimulationSettings,
    progress: Progress | None = None,
    threads: int = 2,
) -> None:
    """Simulate a data set of chips.

    The folder appears complete or not at all, and replaces one that was there:

    - ``images/*.tif``: labelled chips, uint16, 12 bands named as in ``COMPETITION_BANDS``, digital number =
      reflectance × 10 000, nodata 0, in the UTM zone of their place.
    - ``labels.csv``: filename, label, category, longitude, latitude, group (the place).
    - ``mines.gpkg``: true outlines of the mines, one layer a UTM zone, one row for each chip that a mine is in.
    - ``unlabelled/*.tif``: chips to predict.
    - ``simulation.json``: the settings.

    Args:
        folder: Where to.
        settings: What to simulate.
        progress: Wraps the sequence of places to show how far it is, such as ``rich.progress.track``.
        threads: Places in work at once; the result does not depend on it.

    Raises:
        BadInputError: The folder can't be written, is a file, or the settings ask for more than fits.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInputError(f"{folder} is a file, so no simulated chips can be written there; name a folder.")
    with whole_folder(folder) as draft:
        for name in ("images", "unlabelled"):
            (draft / name).mkdir()
        records = _simulate_places(draft, settings, progress or _silently, threads)
        _write_labels(draft / "labels.csv", [label for record in records for label in record.labels])
        with _fixed_date():
            _write_outlines(draft / "mines.gpkg", [row for record in records for row in record.outlines])
        _write_settings(draft / "simulation.json", settings)


def read_simulation_settings(folder: Path) -> SimulationSettings | None:
    """Find out what a folder holds.

    Args:
        folder: As written by :func:`write_simulated_chips`.

    Returns:
        The settings that it was made with; ``None`` if it is none, or was made by another version.
    """
    try:
        record = json.loads((folder / "simulation.json").read_text(encoding="utf-8"))
        return SimulationSettings(**record["settings"]) if record["version"] == VERSION else None
    except (OSError, json.JSONDecodeError, KeyError, TypeError, ValidationError):
        return None


def _silently(places: Sequence[Future[PlaceRecords]]) -> Iterable[Future[PlaceRecords]]:
    return places


def _simulate_places(
    folder: Path, settings: SimulationSettings, progress: Progress, threads: int
) -> list[PlaceRecords]:
    """Simulate places side by side; each has its own seed, so their order does not matter."""
    seed = np.random.SeedSequence(settings.seed)
    *place_seeds, common = seed.spawn(settings.places + 1)
    rng = np.random.default_rng(common)
    places = choose_places(settings.places, rng)
    quotas = share_out(settings, rng)
    with ThreadPoolExecutor(threads) as pool:
        work = [
            pool.submit(_simulate_place, folder, place, quota, settings.size, np.random.default_rng(place_seed))
            for place, quota, place_seed in zip(places, quotas, place_seeds, strict=True)
        ]
        try:
            return [done.result() for done in progress(work)]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def share_out(settings: SimulationSettings, rng: np.random.Generator) -> list[Quota]:
    """Decide how many chips each place gives, so that the totals come out exactly.

    Mines fall on places at random, several on one, none on others, as they do in reality; a place's look is
    then no give-away.

    Args:
        settings: The totals.
        rng: Source of chance.

    Returns:
        One quota a place.
    """
    labelled = _evenly(settings.chips, settings.places, rng)
    unlabelled = _evenly(settings.unlabelled, settings.places, rng)
    mines = _at_random(settings.mine_chips, labelled, rng)
    wanted = round(settings.unlabelled * settings.mine_share)
    unlabelled_mines = _at_random(wanted, unlabelled, rng)
    return [
        Quota(int(some), int(chips - some), int(extra), int(hidden))
        for chips, some, extra, hidden in zip(labelled, mines, unlabelled, unlabelled_mines, strict=True)
    ]


def _evenly(total: int, places: int, rng: np.random.Generator) -> NDArray[np.int64]:
    shares = np.full(places, total // places)
    shares[rng.permutation(places)[: total % places]] += 1
    return shares


def _at_random(total: int, room: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    owners = np.repeat(np.arange(len(room)), room)
    return np.bincount(rng.permutation(owners)[:total], minlength=len(room))


def plan_region(quota: Quota, size: int) -> Plan:
    """Decide how big a region must be to give its chips.

    Args:
        quota: Its chips.
        size: Edge of a chip in pixels.

    Returns:
        A board with a field a chip, and room for the surroundings of the mines.
    """
    mines = quota.mines + quota.unlabelled_mines
    slots = int(np.ceil(np.sqrt(quota.chips + 2 * mines + 2)))
    step = int(COARSEST_PIXEL / PIXEL)
    return Plan(pixels=step * int(np.ceil(slots * (size + 6) / step)), slots=slots, mines=mines)


def _simulate_place(folder: Path, place: Place, quota: Quota, size: int, rng: np.random.Generator) -> PlaceRecords:
    # One GDAL environment for the whole place, not a new one for every call.
    with rasterio.Env():
        return _write_place(folder, place, quota, size, rng)


def _write_place(folder: Path, place: Place, quota: Quota, size: int, rng: np.random.Generator) -> PlaceRecords:
    landscape = build_landscape(place, plan_region(quota, size), rng)
    image = to_digital_numbers(observe(landscape, draw_sky(rng), rng))
    others = quota.others + quota.unlabelled - quota.unlabelled_mines
    windows = cut_windows(landscape, size, quota.mines + quota.unlabelled_mines, others, rng)
    labelled, unlabelled = _divide(windows, quota)
    labels: list[ChipLabel] = []
    outlines: list[MineOutline] = []
    for number in rng.permutation(len(labelled)):
        window = labelled[number]
        filename = f"{place.name}_{len(labels):02d}.tif"
        _write_chip(folder / "images" / filename, image, landscape, window)
        labels.append(_label(filename, landscape, window))
        if window.label:
            outlines += _outlines(filename, landscape, window)
    for number, index in enumerate(rng.permutation(len(unlabelled))):
        path = folder / "unlabelled" / f"{place.name}_unlabelled_{number:02d}.tif"
        _write_chip(path, image, landscape, unlabelled[index])
    return PlaceRecords(tuple(labels), tuple(outlines))


def _divide(windows: list[Window], quota: Quota) -> tuple[list[Window], list[Window]]:
    mines = [window for window in windows if window.label]
    others = [window for window in windows if not window.label]
    return (
        mines[: quota.mines] + others[: quota.others],
        mines[quota.mines :] + others[quota.others :],
    )


def to_digital_numbers(reflectance: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Encode reflectance; what is darker than 0.0001 becomes 1, since 0 means no data.

    Args:
        reflectance: Any shape.

    Returns:
        Digital numbers, 1 to 65535.
    """
    return np.clip(np.rint(reflectance * DIGITAL_NUMBERS), 1, 65535).astype(np.uint16)


def _transform(landscape: Landscape, window: Window) -> Affine:
    whole = landscape.transform
    return Affine(PIXEL, 0, whole.c + window.column * PIXEL, 0, -PIXEL, whole.f - window.row * PIXEL)


def _write_chip(path: Path, image: NDArray[np.uint16], landscape: Landscape, window: Window) -> None:
    rows = slice(window.row, window.row + window.size)
    columns = slice(window.column, window.column + window.size)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=window.size,
        height=window.size,
        count=len(COMPETITION_BANDS),
        dtype="uint16",
        nodata=0,
        crs=landscape.crs,
        transform=_transform(landscape, window),
        compress="deflate",
        predictor=2,
        interleave="band",
    ) as chip:
        chip.descriptions = COMPETITION_BANDS
        chip.write(image[:, rows, columns])


def _label(filename: str, landscape: Landscape, window: Window) -> ChipLabel:
    transform, half = _transform(landscape, window), window.size * PIXEL / 2
    (longitude,), (latitude,) = reproject(
        landscape.crs, CRS.from_epsg(4326), [transform.c + half], [transform.f - half]
    )
    return ChipLabel(
        filename, window.label, window.category, round(longitude, 6), round(latitude, 6), landscape.place.name
    )


def _outlines(filename: str, landscape: Landscape, window: Window) -> list[MineOutline]:
    transform = _transform(landscape, window)
    edge = window.size * PIXEL
    frame = box(transform.c, transform.f - edge, transform.c + edge, transform.f)
    rows = []
    for mine in landscape.mines:
        outline = landscape.outline(mine)
        visible = outline.intersection(frame).area
        if visible > 0:
            rows.append(
                MineOutline(
                    filename=filename,
                    kind=mine.kind.value,
                    group=landscape.place.name,
                    area_m2=round(outline.area, 1),
                    area_in_chip_m2=round(visible, 1),
                    epsg=landscape.place.epsg,
                    geometry=outline,
                )
            )
    return rows


def _write_labels(path: Path, labels: list[ChipLabel]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["filename", "label", "category", "longitude", "latitude", "group"])
        for row in labels:
            coordinates = (f"{row.longitude:.6f}", f"{row.latitude:.6f}")
            writer.writerow([row.filename, row.label, row.category, *coordinates, row.group])


def _write_outlines(path: Path, outlines: list[MineOutline]) -> None:
    """Write one layer a UTM zone, named after it, since a layer has one coordinate system."""
    for epsg in sorted({row.epsg for row in outlines}):
        rows = [row for row in outlines if row.epsg == epsg]
        pyogrio.raw.write(
            path,
            geometry=shapely.to_wkb([row.geometry for row in rows]),
            field_data=[
                np.array([row.filename for row in rows], object),
                np.array([row.kind for row in rows], object),
                np.array([row.group for row in rows], object),
                np.array([row.area_m2 for row in rows]),
                np.array([row.area_in_chip_m2 for row in rows]),
            ],
            fields=["filename", "kind", "group", "area_m2", "area_in_chip_m2"],
            layer=f"mines_{epsg}",
            driver="GPKG",
            geometry_type="MultiPolygon",
            crs=f"EPSG:{epsg}",
            append=path.exists(),
        )


@contextmanager
def _fixed_date() -> Iterator[None]:
    """Keep the date of writing out of GeoPackages, so that the same settings give the same bytes."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _write_settings(path: Path, settings: SimulationSettings) -> None:
    record = {"version": VERSION, "settings": settings.model_dump()}
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
