"""Check or download the files of selected scenes, several at a time; a failure costs a scene, not the run."""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import pandas as pd
from rasterio.errors import RasterioIOError

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.hashing import hash_bytes, hash_values
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.rasters.integrity import check_local_raster, check_whole, open_image
from mining_the_mines.scenes.http import PatientSession, signing
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.scene_list import ItemJson, SceneSelection, left_out, left_out_table
from mining_the_mines.scenes.selection import keep_rich_regions
from mining_the_mines.scenes.settings import AccessSettings, AcquisitionSettings

logger = logging.getLogger(__name__)

#: Fields of an asset in a STAC item.
Asset = Mapping[str, Any]

_SUFFIXES: Final = frozenset({".tif", ".tiff", ".jp2"})
_LONGEST_NAME: Final = 150
#: Digits of a hash in the name of a folder.
_DIGITS: Final = 12
#: Multihash: code and length of the digest, as hexadecimal digits before it, and the name that hashlib knows it by
#: (https://github.com/multiformats/multicodec/blob/master/table.csv; code 0xd5 takes two bytes as a varint).
_MULTIHASHES: Final = {"1114": "sha1", "1220": "sha256", "1340": "sha512", "d50110": "md5"}


def check_assets(
    selection: SceneSelection, settings: AcquisitionSettings, progress: Progress = silent
) -> SceneSelection:
    """Look whether the files of scenes answer.

    Files of this machine are opened. Of a scene on a server one file is asked for its length: its other files are
    opened when composites are made, and a scene whose file fails there is left out of them.

    Args:
        selection: Scenes with the assets that are needed.
        settings: Time limits, connections, and minimum number of days.
        progress: Shows the scenes that are checked.

    Returns:
        The scenes that answer; the others are listed with the asset and its fault.

    Raises:
        SceneError: No region is left with scenes of enough days.
    """
    session = PatientSession(settings)
    sign = signing(settings) or str

    def check(item: ItemJson) -> ItemJson:
        asked = False
        for key, asset in item["assets"].items():
            address = str(asset["href"])
            try:
                if not _is_on_the_web(address):
                    check_local_raster(Path(address))
                elif not asked:
                    asked = True
                    _check_length(session, sign(address), asset)
            except SceneError as error:
                raise SceneError(f"{key} can't be read: {error}") from error
        return item

    return keep_rich_regions(_each_scene(check, selection, settings, progress, "Checking scenes"), settings)


def download_assets(
    selection: SceneSelection, folder: Path, settings: AcquisitionSettings, progress: Progress = silent
) -> SceneSelection:
    """Download every file that is needed; an interrupted run goes on where it was.

    A file appears under its name when it is complete: as long as the server and the catalog say (``file:size``), with
    the catalog's checksum (``file:checksum``), and a raster. A file that is there already is downloaded again only if
    the catalog's size or checksum differs.

    Args:
        selection: Scenes with the assets that are needed.
        folder: Destination: ``<collection>/<scene>/<asset>.tif``.
        settings: Time limits, number of scenes at a time, and minimum number of days.
        progress: Shows the scenes that are downloaded.

    Returns:
        The scenes all of whose files are there, at their paths; assets keep their address under ``alternate``. The
        others are listed with the asset and its fault.

    Raises:
        SceneError: No region is left with scenes of enough days.
        BadInputError: The disk is full, or the folder can't be written to.
    """
    session = PatientSession(settings)
    sign = signing(settings) or str

    def download(item: ItemJson) -> ItemJson:
        assets = {}
        for key, asset in item["assets"].items():
            address = str(asset["href"])
            try:
                if not _is_on_the_web(address):
                    check_local_raster(Path(address))
                    assets[key] = asset
                    continue
                path = folder.resolve() / _place(item, key, asset)
                if _fault(path, asset) is not None:
                    _download(session, sign(address), path, asset)
            except SceneError as error:
                raise SceneError(f"{key} can't be fetched: {error}") from error
            assets[key] = {**asset, "href": str(path), "alternate": {"origin": {"href": address}}}
        return {**item, "assets": assets}

    return keep_rich_regions(_each_scene(download, selection, settings, progress, "Fetching scenes"), settings)


def fetch_raster(address: str, folder: Path, access: AccessSettings) -> Path:
    """Download a raster of any number of bands, unless the same version of it is there.

    Args:
        address: Its address, which may hold a signature; it is not written down.
        folder: Destination; the file keeps its name in a sub-folder. Other versions of it are removed.
        access: Time limits and retries.

    Returns:
        Path of the file, which has the date of the one on the server.

    Raises:
        SceneError: The server does not answer, or the file is incomplete or no GeoTIFF or JPEG 2000.
        BadInputError: The disk is full, or the folder can't be written to.
    """
    told, session = without_secrets(address), PatientSession(access)
    found = session.look(address)
    name = PurePosixPath(unquote(urlsplit(address).path))
    suffix = name.suffix.lower() if name.suffix.lower() in _SUFFIXES else ".tif"
    versions = folder / hash_values(told)[:_DIGITS]
    path = (
        versions / hash_values([found.version, found.length])[:_DIGITS] / f"{_file_name(name.stem or 'scene')}{suffix}"
    )
    if not (found.version and path.is_file()):
        with whole_file(path) as draft:
            try:
                _transfer(session, address, draft)
                with open_image(str(draft)) as raster:
                    check_whole(raster, draft.stat().st_size)
            except RasterioIOError as error:
                raise SceneError(f"{told} is no GeoTIFF or JPEG 2000: check the address.") from error
            except SceneError as error:
                raise SceneError(f"{told} can't be fetched: {str(error).removesuffix('.')}.") from error
        if found.modified is not None:
            os.utime(path, (found.modified.timestamp(),) * 2)
    for other in versions.iterdir():
        if other != path.parent:
            shutil.rmtree(other)
    return path


def _each_scene(
    work: Callable[[ItemJson], ItemJson],
    selection: SceneSelection,
    settings: AcquisitionSettings,
    progress: Progress,
    description: str,
) -> SceneSelection:
    """Do something with each scene, once, however many regions it is selected for.

    Args:
        work: Takes a scene and returns its replacement; a ``SceneError`` is the reason to leave it out.
        selection: The scenes.
        settings: Number of scenes at a time.
        progress: Shows the scenes.
        description: Shown beside the progress.

    Returns:
        The replacements; scenes that failed are listed among those left out.
    """
    items = {_key(item): item for scenes in selection.items.values() for item in scenes}
    done: dict[str, ItemJson] = {}
    reasons: dict[str, str] = {}
    pool = ThreadPoolExecutor(settings.connections, thread_name_prefix="scenes")
    try:
        futures = {key: pool.submit(work, item) for key, item in items.items()}
        for key in progress(list(futures), description):
            try:
                done[key] = futures[key].result()
            except SceneError as error:
                reasons[key] = str(error).rstrip(".")
                logger.warning("The scene %s is left out: %s.", items[key]["id"], reasons[key])
    finally:
        pool.shutdown(cancel_futures=True)  # an error that stops the run does not wait for the other scenes
    rows = [
        left_out(region.name, item["id"], SceneFacts.of(item).when, reason=f"a file: {reasons[_key(item)]}")
        for region in selection.regions
        for item in selection.items[region.name]
        if _key(item) in reasons
    ]
    return SceneSelection(
        selection.source,
        selection.regions,
        {
            region.name: tuple(done[_key(item)] for item in selection.items[region.name] if _key(item) in done)
            for region in selection.regions
        },
        pd.concat([selection.left_out, left_out_table(rows)], ignore_index=True),
    )


def _key(item: ItemJson) -> str:
    return f"{item.get('collection')}/{item['id']}"


def _is_on_the_web(address: str) -> bool:
    return urlsplit(address).scheme in {"http", "https"}


def _check_length(session: PatientSession, address: str, asset: Asset) -> None:
    """Check that a file on a server has the length that the catalog states, if it states one."""
    size = session.look(address).length
    declared = asset.get("file:size")
    if size is not None and isinstance(declared, int) and size != declared:
        raise SceneError(f"it has {size} bytes where its catalog says {declared}: it is cut off, or another file")


def _download(session: PatientSession, address: str, path: Path, asset: Asset) -> None:
    with whole_file(path) as draft:
        _transfer(session, address, draft)
        fault = _fault(draft, asset)
        if fault is not None:
            raise SceneError(fault)
        check_local_raster(draft)


def _transfer(session: PatientSession, address: str, draft: Path) -> None:
    """Download a file, as long as the server says that it is."""
    with draft.open("wb") as file:

        def restart() -> None:
            file.seek(0)
            file.truncate()

        announced = session.download(address, file.write, restart)
    size = draft.stat().st_size
    if announced is not None and size != announced:
        raise SceneError(f"cut off: {size} bytes came where the server spoke of {announced}")


def _fault(path: Path, asset: Asset) -> str | None:
    """Why a file is not the one that the catalog describes; ``None`` if it is."""
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


def _place(item: ItemJson, key: str, asset: Asset) -> PurePosixPath:
    """Path of an asset below the folder. Names from a catalog can't lead out of it."""
    suffix = PurePosixPath(urlsplit(str(asset["href"])).path).suffix.lower()
    if suffix not in _SUFFIXES:
        suffix = ".jp2" if "jp2" in str(asset.get("type")) else ".tif"
    collection = _file_name(str(item.get("collection") or "no collection"))
    return PurePosixPath(collection, _file_name(str(item["id"])), f"{_file_name(key)}{suffix}")


def _file_name(text: str) -> str:
    """A name that every file system accepts, different for different texts."""
    name = quote(text, safe=" ").replace("%2B", "+")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 17]}-{hash_bytes(text.encode())[:16]}"
