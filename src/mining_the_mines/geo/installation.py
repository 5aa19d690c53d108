"""Variables of another installation of GDAL or PROJ, as of conda or QGIS, with which geodata can't be read."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mining_the_mines.core.errors import BadInputError

#: Variables that name folders, and a file that such a folder of any version holds (PROJ, *Environment variables*;
#: GDAL, *Configuration options*).
_FOLDERS: Final = {"PROJ_LIB": "proj.db", "PROJ_DATA": "proj.db", "GDAL_DATA": "gdalvrt.xsd"}
#: Variables that load or leave out drivers.
_DRIVERS: Final = ("GDAL_DRIVER_PATH", "GDAL_SKIP", "OGR_SKIP", "OGR_DRIVER_PATH")
#: Uses the database of coordinate systems and the drivers, in a process of its own: a foreign library may end it.
_TRIAL: Final = """
import pyogrio
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.warp import transform
transform(CRS.from_epsg(4326), CRS.from_epsg(32721), [-57.0], [-5.0])
assert {"GPKG", "GeoJSON"} <= set(pyogrio.list_drivers()), "a driver of vector files is missing"
with MemoryFile() as file, file.open(driver="GTiff", width=1, height=1, count=1, dtype="uint8", crs="EPSG:32721"):
    pass
"""
_TRIAL_SECONDS: Final = 60


def check_installation(environment: Mapping[str, str] = os.environ) -> None:
    """Check that variables of the environment do not make geodata unreadable; without such variables nothing is done.

    Args:
        environment: Variables of the process.

    Raises:
        BadInputError: A folder lacks the files of GDAL or PROJ, or those of another version are in it.
    """
    given = {name: environment[name] for name in (*_FOLDERS, *_DRIVERS) if environment.get(name)}
    if not given:
        return
    for name, file in _FOLDERS.items():
        places = given.get(name, "").split(os.pathsep)
        if name in given and not any((Path(place) / file).is_file() for place in places):
            raise BadInputError(_told({name: given[name]}, f"no {file} is there"))
    trial = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-c", _TRIAL], env=dict(environment), capture_output=True, text=True, check=False,
        timeout=_TRIAL_SECONDS,
    )  # fmt: skip
    if trial.returncode:
        raise BadInputError(_told(given, (trial.stderr.strip().splitlines() or ["the process died"])[-1]))


def _told(given: Mapping[str, str], cause: str) -> str:
    listed = ", ".join(f"{name}={value}" for name, value in given.items())
    names = " -u ".join(given)
    return (
        f"Geodata can't be read with the environment's {listed} ({cause}), as if it belonged to another installation "
        f"of GDAL or PROJ: run the command without it, with env -u {names} before it."
    )
