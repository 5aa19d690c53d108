"""Looking whether the files of chosen scenes answer, before windows are read from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import rasterio

from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.rasters.integrity import check_local_raster, check_raster
from mining_the_mines.scenes.concurrent_files import each_scene
from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.scenes.http import PatientSession, gdal_options
from mining_the_mines.scenes.scene_list import ItemJson, SceneChoice
from mining_the_mines.scenes.search import signing
from mining_the_mines.scenes.selection import AcquisitionSettings, keep_rich_regions


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
