"""The parameter ``acquisition`` says where chips come from."""

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.pipelines.chip_source import ARCHIVE, PREBUILT, SIMULATION, read_chip_source


@pytest.mark.parametrize(
    ("acquisition", "origin"),
    [
        (None, PREBUILT),
        ({}, SIMULATION),
        ({"source": "simulation", "regions": None}, SIMULATION),
        ({"source": "earth-search", "regions": "regions.gpkg"}, ARCHIVE),
        ("earth-search", ARCHIVE),
    ],
)
def test_the_source_tells_the_origin(acquisition: object, origin: str) -> None:
    assert read_chip_source(acquisition) == origin


@pytest.mark.parametrize("regions", ["regions.gpkg", {"here": [-57, -6, -56, -5]}])
def test_regions_for_simulated_scenes_are_refused_in_one_sentence(regions: object) -> None:
    with pytest.raises(BadInputError, match=r"^acquisition\.regions says .* take --env=archive, or name another sour"):
        read_chip_source({"source": "simulation", "regions": regions})
