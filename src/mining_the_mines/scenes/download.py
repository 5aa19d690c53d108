"""Fetching the files of chosen scenes as a whole, and keeping them."""

import hashlib
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote, urlsplit

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.rasters.integrity import check_local_raster
from mining_the_mines.scenes.concurrent_files import each_scene
from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.scenes.http import PatientSession
from mining_the_mines.scenes.scene_list import ItemJson, SceneChoice
from mining_the_mines.scenes.search import signing
from mining_the_mines.scenes.selection import AcquisitionSettings, keep_rich_regions

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
