"""What a person sees whose polygons or chips can't be used for segmentation."""

import csv
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from click.testing import Result

from support.chip_files import ground, write_chip
from support.chip_polygons import LEFT, TOP, UTM, square, utm_grid, write_layer
from support.projects import command, copy_project

pytestmark = pytest.mark.end_to_end

CHIPS, SIZE = 8, 32
#: Where the chips lie, west to east; each is a place of its own.
LEFTS = [LEFT + 50_000 * number for number in range(CHIPS)]
#: Each command a person types, by what is wrong with what it is given.
GIVEN = {
    "nothing": "raw_root=chips",
    "missing file": "raw_root=chips,polygons=no such file.gpkg",
    "no CRS": "raw_root=chips,polygons=nowhere.gpkg",
    "no feature": "raw_root=chips,polygons=empty.gpkg",
    "lines and points": "raw_root=chips,polygons=sketch.gpkg",
    "no vector file": "raw_root=chips,polygons=table.gpkg",
    "wrong hemisphere": "raw_root=chips,polygons=mirrored.gpkg",
    "chips without CRS": "raw_root=unplaced",
    "chips of another size": "raw_root=smaller,polygons=no such file.gpkg",
}


def write_chips(folder: Path, size: int, *, placed: bool = True) -> None:
    """Chips in the layout of the tailings, with mines in the middle of each."""
    (folder / "images").mkdir(parents=True)
    with (folder / "chips.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["filename", "longitude", "latitude", "group"])
        for number, left in enumerate(LEFTS):
            grid = utm_grid(size, size, left)
            place = {"crs": grid.crs, "transform": grid.transform} if placed else {}
            write_chip(folder / f"images/chip_{number}.tif", ground(number, 3, size), ("B2", "B3", "B4"), **place)
            table.writerow([f"chip_{number}.tif", -57 + 0.45 * number, -5.4, number])
    write_layer(folder / "tailings.gpkg", [square(left + 60, TOP - 120, 50) for left in LEFTS])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with chips, good and bad, and polygons, good and bad."""
    project = copy_project(tmp_path_factory.mktemp("segmentation input") / "project")
    write_chips(project / "chips", SIZE)
    write_chips(project / "unplaced", SIZE, placed=False)
    write_chips(project / "smaller", SIZE // 2)
    mines = [square(left, TOP - 300, 300) for left in LEFTS]
    write_layer(project / "nowhere.gpkg", mines, crs=None)
    write_layer(project / "empty.gpkg", [])
    write_layer(project / "sketch.gpkg", [shapely.Point(LEFT, TOP), mines[0].exterior, mines[1].exterior])
    (project / "table.gpkg").write_text("mine,hectares\n", encoding="utf-8")
    north = gpd.GeoSeries(mines, crs=UTM).to_crs("EPSG:4326").scale(yfact=-1, origin=(0, 0, 0))
    write_layer(project / "mirrored.gpkg", list(north), crs="EPSG:4326")
    return project


@pytest.fixture(scope="module")
def answers(project: Path) -> dict[str, Result]:
    """What the commands answer, typed in turn; the last one trains on what the one before has left."""
    common = ("run", "--env=tailings_dams", "--pipelines=segmentation")
    settings = "imagery.min_chips_per_class=4,folds.folds=2"
    commands = [(*common, "--tags=preprocessing", f"--params={settings},{given}") for given in GIVEN.values()] + [
        (*common, "--tags=training")
    ]
    names = [*GIVEN, "masks of another size"]
    return {name: command(project, *typed) for name, typed in zip(names, commands, strict=True)}


def test_good_polygons_pass(answers: dict[str, Result], project: Path) -> None:
    assert answers["nothing"].exit_code == 0, answers["nothing"].stderr
    assert (project / "data/tailings_dams/03_primary/masks/rasters/chip_0.tif").is_file()


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("missing file", ("no such file.gpkg does not exist: check the path",)),
        ("no CRS", ("nowhere.gpkg has no CRS", "give it one (Assign Projection in QGIS)")),
        ("no feature", ("empty.gpkg holds no feature: check that it is the right file",)),
        ("lines and points", ("sketch.gpkg holds no polygon that can be used (2 line, 1 point)", "must be polygons")),
        ("no vector file", ("table.gpkg can't be read as a vector file", "save it as GeoPackage")),
        (
            "wrong hemisphere",
            (
                "No polygon in",
                "mirrored.gpkg meets any chip",
                "the polygons lie in longitude -57.000 to -53.",
                "latitude 5.4",
                "the chips in longitude -57.000 to -53.",
                "latitude -5.4",
                "with latitudes of the other sign they would meet, so they seem to lie in the wrong hemisphere",
            ),
        ),
        ("chips without CRS", ("None of the 8 chips in", "has coordinates", "or train classification only")),
        ("masks of another size", ("holds masks of 32 × 32 pixels for chips of 16 × 16: run preprocessing again.",)),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(answers: dict[str, Result], given: str, parts: tuple[str, ...]) -> None:
    answer = answers[given]
    assert answer.exit_code == 1
    sentence = answer.stderr.split("Error: ", maxsplit=1)[1]
    assert sentence.strip().count("\n") == 0
    for part in parts:
        assert part in sentence
