"""Variables of another installation of GDAL or PROJ."""

from pathlib import Path

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.installation import check_installation


@pytest.mark.parametrize("environment", [{}, {"HOME": "/root"}, {"PROJ_LIB": ""}])
def test_nothing_is_tried_without_such_variables(environment: dict[str, str]) -> None:
    check_installation(environment)


@pytest.mark.parametrize("name", ["PROJ_LIB", "PROJ_DATA", "GDAL_DATA"])
def test_folder_without_the_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        BadInputError, match=rf"^Geodata can't be read with the environment's {name}={tmp_path} .*env -u"
    ):
        check_installation({name: str(tmp_path)})


def test_files_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "proj.db").write_bytes(b"another database")
    with pytest.raises(BadInputError, match=r"PROJ_DATA=.*another installation"):
        check_installation({"PROJ_DATA": str(tmp_path), "PATH": ""})


@pytest.mark.parametrize("given", [{"GDAL_SKIP": "GTiff"}, {"OGR_SKIP": "GPKG"}])
def test_missing_drivers(given: dict[str, str]) -> None:
    with pytest.raises(BadInputError, match=next(iter(given))):
        check_installation(given)


def test_own_folders_are_fine() -> None:
    import rasterio

    own = Path(rasterio.__file__).parent
    check_installation({"PROJ_DATA": str(own / "proj_data"), "GDAL_DATA": str(own / "gdal_data")})
