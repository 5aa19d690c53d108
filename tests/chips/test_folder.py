"""A folder of chips lists its GeoTIFFs and nothing else."""

from pathlib import Path

import pytest

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.core.errors import BadInputError


def test_geotiffs_are_listed_by_name_whatever_the_case_of_their_ending(tmp_path: Path) -> None:
    for name in ("b.TIF", "a.tif", "c.tiff", "labels.csv", "a.tif.aux.xml", "._a.tif"):
        (tmp_path / name).touch()
    folder = ChipFolder(tmp_path)
    assert folder.filenames == ("a.tif", "b.TIF", "c.tiff")
    assert folder.path("a.tif") == tmp_path / "a.tif"


def test_a_folder_without_chips_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"holds no \.tif file"):
        _ = ChipFolder(tmp_path).filenames


def test_a_folder_may_be_empty_where_that_is_an_answer(tmp_path: Path) -> None:
    assert ChipFolder(tmp_path, may_be_empty=True).filenames == ()


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="There is no folder"):
        _ = ChipFolder(tmp_path / "nowhere").filenames
