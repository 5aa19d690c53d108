"""Check or download the files of selected scenes, several at a time; a failure costs a scene, not the run."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pandas as pd
import rasterio

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.rasters.integrity import check_local_raster, check_raster
from mining_the_mines.scenes.http import PatientSession, gdal_options, signing
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.scene_list import ItemJson, SceneChoice, left_out, left_out_table
from mining_the_mines.scenes.selection import keep_rich_regions
from mining_the_mines.scenes.settings import AcquisitionSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Failed:
    """Why nothing came of a scene."""

    reason: str


def each_scene(
    do: Callable[[ItemJson], ItemJson],
    choice: SceneChoice,
    workers: int,
    progress: Progress,
    description: str,
) -> SceneChoice:
    """Do something with each scene, once, however many regions it is chosen for.

    Args:
        do: From a scene to what is to stand in its place; a ``SceneError`` is the reason to leave it out.
        choice: The scenes.
        workers: How many at a time.
        progress: Shows how far it has come.
        description: What is done, for people.

    Returns:
        What has come of the scenes; those for which it failed are listed among what is left out.
    """
    different = {_key(item): item for items in choice.items.values() for item in items}
    results: dict[str, ItemJson | _Failed] = {}
    pool = ThreadPoolExecutor(workers, thread_name_prefix="scenes")
    try:
        futures: dict[str, Future[ItemJson]] = {key: pool.submit(do, item) for key, item in different.items()}
        for key in progress(list(futures), description):
            try:
                results[key] = futures[key].result()
            except SceneError as error:
                reason = str(error).rstrip(".")
                results[key] = _Failed(reason)
                logger.warning("The scene %s is left out: %s.", different[key]["id"], reason)
    finally:
        pool.shutdown(cancel_futures=True)  # an error that stops the run does not wait for what was still to be done
    return _sorted_out(choice, results)


def _key(item: ItemJson) -> str:
    return f"{item.get('collection')}/{item['id']}"


def _sorted_out(choice: SceneChoice, results: dict[str, ItemJson | _Failed]) -> SceneChoice:
    items: dict[str, tuple[ItemJson, ...]] = {}
    rows = []
    for region in choice.regions:
        done = []
        for item in choice.items[region.name]:
            result = results[_key(item)]
            if isinstance(result, _Failed):
                when = SceneFacts.of(item).when
                rows.append(left_out(region.name, item["id"], when, reason=f"a file: {result.reason}"))
            else:
                done.append(result)
        items[region.name] = tuple(done)
    listed = pd.concat([choice.left_out, left_out_table(rows)], ignore_index=True)
    return SceneChoice(choice.source, choice.regions, items, listed)


def check_assets(choice: SceneChoice, settings: AcquisitionSettings, progress: Progress = silent) -> SceneChoice:
    """Open the header of every file that is needed.

    Args:
        choice: Scenes with the assets that are needed.
        settings: How patient to be, how many files to look at at once, and how many days are enough.
        progress: Shows how far it has come.

    Returns:
        The scenes all of whose files answer, are rasters and as long as they say they are; the others are listed
        with the asset and what is wrong with it.

    Raises:
        SceneError: If no region is left with scenes of enough days.
    """
    session = PatientSession(settings)
    sign = signing(settings)

    def check(item: ItemJson) -> ItemJson:
        for key, asset in item["assets"].items():
            address = str(asset["href"])
            try:
                if urlsplit(address).scheme in {"http", "https"}:
                    signed = sign(address) if sign else address
                    size = _check_answer(session, signed, asset)
                    _check_header(signed, size, settings)
                else:
                    check_local_raster(Path(address))
            except SceneError as error:
                raise SceneError(f"{key} can't be read: {error}") from error
        return item

    return keep_rich_regions(each_scene(check, choice, settings.workers, progress, "Checking scenes"), settings)


def _check_header(address: str, size: int | None, settings: AcquisitionSettings) -> None:
    try:
        with rasterio.Env(**gdal_options(settings)):
            check_raster(address, size)
    except SceneError:
        with rasterio.Env(**gdal_options(settings, afresh=True)):
            check_raster(address, size)


def _check_answer(session: PatientSession, address: str, asset: Mapping[str, Any]) -> int | None:
    """Bytes of a file on a server, if it says; it must be as many as the catalog says, if that says it."""
    size = session.length(address)
    declared = asset.get("file:size")
    if size is not None and isinstance(declared, int) and size != declared:
        raise SceneError(f"it has {size} bytes where its catalog says {declared}: it is cut off, or another file")
    return size


_SUFFIXES: Final = frozenset({".tif", ".tiff", ".jp2"})
_LONGEST_NAME: Final = 150
#: Multihash: code and length of the digest, as hexadecimal digits before it, and the name that hashlib knows it by
#: (https://github.com/multiformats/multicodec/blob/master/table.csv; code 0xd5 takes two bytes as a varint).
_MULTIHASHES: Final = {"1114": "sha1", "1220": "sha256", "1340": "sha512", "d50110": "md5"}


def fetch_assets(
    choice: SceneChoice, folder: Path, settings: AcquisitionSettings, progress: Progress = silent
) -> SceneChoice:
    """Fetch every file that is needed; a run that was cut short goes on where it was.

    A file appears under its name when it is whole: as long as the server and the catalog say (``file:size``), with the
    catalog's checksum (``file:checksum``), and a raster. One that is there already is not fetched again unless the
    catalog's size or checksum is another.

    Args:
        choice: Scenes with the assets that are needed.
        folder: Where to: ``<collection>/<scene>/<asset>.tif``.
        settings: How patient to be, how many scenes to fetch at once, and how many days are enough.
        progress: Shows how far it has come.

    Returns:
        The scenes all of whose files are there, at their paths; assets keep their address under ``alternate``. The
        others are listed with the asset and what is wrong with it.

    Raises:
        SceneError: If no region is left with scenes of enough days.
        BadInputError: If the disk is full, or the folder can't be written to.
    """
    session = PatientSession(settings)
    sign = signing(settings)

    def fetch(item: ItemJson) -> ItemJson:
        assets = {}
        for key, asset in item["assets"].items():
            address = str(asset["href"])
            try:
                if urlsplit(address).scheme not in {"http", "https"}:
                    check_local_raster(Path(address))
                    assets[key] = asset
                    continue
                path = folder.resolve() / _place(item, key, asset)
                if _fault(path, asset) is not None:
                    _fetch(session, sign(address) if sign else address, path, asset)
            except SceneError as error:
                raise SceneError(f"{key} can't be fetched: {error}") from error
            assets[key] = {**asset, "href": str(path), "alternate": {"origin": {"href": address}}}
        return {**item, "assets": assets}

    return keep_rich_regions(each_scene(fetch, choice, settings.workers, progress, "Fetching scenes"), settings)


def _fetch(session: PatientSession, address: str, path: Path, asset: dict[str, Any]) -> None:
    with whole_file(path) as draft:
        with draft.open("wb") as file:

            def restart() -> None:
                file.seek(0)
                file.truncate()

            announced = session.download(address, file.write, restart)
        size = draft.stat().st_size
        if announced is not None and size != announced:
            raise SceneError(f"cut off: {size} bytes came where the server spoke of {announced}")
        fault = _fault(draft, asset)
        if fault is not None:
            raise SceneError(fault)
        check_local_raster(draft)


def _fault(path: Path, asset: dict[str, Any]) -> str | None:
    """Why a file is not the one that the catalog speaks of; ``None`` if it is."""
    if not path.is_file():
        return "missing"
    size, declared = path.stat().st_size, asset.get("file:size")
    if isinstance(declared, int) and size != declared:
        return f"cut off, or another file: it has {size} bytes where its catalog says {declared}"
    checksum = str(asset.get("file:checksum") or "").lower()
    for prefix, name in _MULTIHASHES.items():
        if checksum.startswith(prefix):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, name).hexdigest()
            if digest != checksum.removeprefix(prefix):
                return "damaged, or another file: its checksum is not the catalog's"
    return None


def _place(item: ItemJson, key: str, asset: dict[str, Any]) -> PurePosixPath:
    """Where an asset is kept. What a catalog calls its items must not lead out of the folder."""
    suffix = PurePosixPath(urlsplit(str(asset["href"])).path).suffix.lower()
    if suffix not in _SUFFIXES:
        suffix = ".jp2" if "jp2" in str(asset.get("type")) else ".tif"
    collection = _name(str(item.get("collection") or "no collection"))
    return PurePosixPath(collection, _name(str(item["id"])), f"{_name(key)}{suffix}")


def _name(text: str) -> str:
    """A name that no file system objects to, different for different texts."""
    name = quote(text, safe=" ").replace("%2B", "+")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 17]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
