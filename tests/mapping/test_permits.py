"""Mines against concessions and protected areas."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.overlaps import cut_out, project_mines
from mining_the_mines.mapping.permits import (
    CONCESSION,
    OUTSIDE,
    PROTECTED_AREA,
    UNIT_COLUMNS,
    areas_by_unit,
    compare_with_permits,
)
from mining_the_mines.mapping.settings import PermitSettings
from support.scene_maps import areas_of, field, mines_of

SETTINGS = PermitSettings()


def in_degrees(*shapes: shapely.Geometry) -> NamedAreas:
    """Areas called a, b, c … in degrees."""
    return NamedAreas(tuple("abcdefgh"[: len(shapes)]), np.array(shapes, dtype=object), "areas.gpkg")


def test_mine_across_a_border(tmp_path: Path) -> None:
    mines = mines_of([field(0, 0, 200, 100)])
    concessions = areas_of(tmp_path, Aurora=field(-1000, -1000, 1150, 3000))
    (mine,) = compare_with_permits(mines, concessions, None, SETTINGS).itertuples()
    assert mine.concession == "Aurora"
    assert mine.outside_concessions_ha == pytest.approx(0.5, rel=0.002)
    assert pd.isna(mine.protected_area)
    assert np.isnan(mine.protected_ha)
    assert mine.review


def test_overlapping_areas(tmp_path: Path) -> None:
    mines = mines_of([field(0, 0, 100)])
    protected = areas_of(tmp_path, Small=field(0, 0, 30, 100), Large=field(0, 0, 60, 100), Far=field(100, 0, 50))
    (mine,) = compare_with_permits(mines, None, protected, SETTINGS).itertuples()
    assert mine.protected_area == "Large; Small"
    assert mine.protected_ha == pytest.approx(0.6, rel=0.002)


def test_columns(tmp_path: Path) -> None:
    mines = mines_of([field(0, 0, 100), field(300, 0, 100)])
    compared = compare_with_permits(mines, areas_of(tmp_path, Aurora=field(0, 0, 100)), None, SETTINGS)
    added = ["concession", "outside_concessions_ha", "protected_area", "protected_ha", "review"]
    assert list(compared.columns) == [*mines.columns[:-1], *added, "geometry"]
    pd.testing.assert_frame_equal(compared[mines.columns], mines)
    assert compared["concession"].fillna("none").tolist() == ["Aurora", "none"]
    assert compared["review"].tolist() == [False, True]


def test_limit_of_a_review(tmp_path: Path) -> None:
    mines = mines_of([field(0, 0, 100)])
    protected = areas_of(tmp_path, Reserve=field(0, 0, 9, 100))
    assert not compare_with_permits(mines, None, protected, SETTINGS)["review"].any()
    assert compare_with_permits(mines, None, protected, PermitSettings(review_hectares=0.05))["review"].all()


def test_hectares_in_any_crs(tmp_path: Path) -> None:
    mines = gpd.GeoSeries([field(0, 0, 1000, 1000)], crs="EPSG:32721")
    protected = areas_of(tmp_path, Reserve=field(500, -500, 5000))
    found = [
        compare_with_permits(mines_of(list(mines.to_crs(crs)), crs=crs), None, protected, SETTINGS)["protected_ha"][0]
        for crs in ("EPSG:32721", "EPSG:4326", "EPSG:3857", "EPSG:5880")
    ]
    assert found == pytest.approx([50.0 / 0.9996**2] * 4, rel=1e-4)


def test_long_borders(tmp_path: Path) -> None:
    # A border of 200 km that is straight in UTM bends by hundreds of metres in degrees.
    border = shapely.box(400_000, 5_400_000, 600_000, 5_500_000)
    mines = mines_of([shapely.box(500_000, 5_499_900, 500_100, 5_500_100)], crs="EPSG:32632")
    compared = compare_with_permits(mines, None, areas_of(tmp_path, "EPSG:32632", Reserve=border), SETTINGS)
    assert compared["protected_ha"][0] == pytest.approx(1, rel=0.01)


def test_antimeridian() -> None:
    to_degrees = transformation("EPSG:32701", LON_LAT)
    east, north = transformation(LON_LAT, "EPSG:32701")(np.array([[180.0, -17.0]]))[0]
    mines = mines_of([shapely.box(east - 100, north, east + 100, north + 100)], crs="EPSG:32701")
    assert np.ptp(shapely.transform(mines.geometry[0], to_degrees).bounds[::2]) > 359
    halves = in_degrees(shapely.box(179.0, -18, 180, -16), shapely.box(-180, -18, -179, -16))
    both = compare_with_permits(mines, halves, None, SETTINGS)
    assert both["concession"][0] in {"a; b", "b; a"}
    assert both["outside_concessions_ha"][0] == 0
    half = NamedAreas(("east",), halves.geometry[:1], "areas.gpkg")
    one = compare_with_permits(mines, half, None, SETTINGS)
    assert one["outside_concessions_ha"][0] == pytest.approx(1, rel=0.01)


boxes = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20))


@settings(max_examples=15, deadline=None)
@given(st.lists(boxes, min_size=1, max_size=4), st.lists(boxes, min_size=1, max_size=5))
def test_hectares_of_all_areas(
    diggings: list[tuple[int, int, int, int]], permits: list[tuple[int, int, int, int]]
) -> None:
    mines = [field(10 * left, 10 * low, 10 * width, 10 * height) for left, low, width, height in diggings]
    areas = [field(10 * left, 10 * low, 10 * width, 10 * height) for left, low, width, height in permits]
    degrees = gpd.GeoSeries(areas, crs="EPSG:32721").to_crs(4326)
    inside = shapely.area(cut_out(project_mines(mines_of(mines)), in_degrees(*degrees)).parts_of_mines())
    expected = shapely.area(shapely.intersection(mines, shapely.union_all(areas)))
    np.testing.assert_allclose(inside, expected / 0.9996**2, rtol=1e-3, atol=5)


@pytest.fixture
def units(tmp_path: Path) -> pd.DataFrame:
    concessions = areas_of(tmp_path, Aurora=field(0, 0, 1000), Borealis=field(2000, 0, 1000), Idle=field(5000, 0, 100))
    protected = areas_of(tmp_path, Reserve=field(500, 0, 500))
    shapes = [field(0, 600, 300), field(450, 0, 100), field(2000, 0, 100), field(900, 600, 200, 100)]
    mines = mines_of(shapes, ["high", "high", "low", "medium"])
    return areas_by_unit([compare_with_permits(mines, concessions, protected, SETTINGS)], concessions, protected)


def test_units(units: pd.DataFrame) -> None:
    assert units.dtypes.astype(str).to_dict() == UNIT_COLUMNS
    table = units.set_index("unit")
    assert table["layer"].to_dict() == {
        "Aurora": CONCESSION,
        OUTSIDE: CONCESSION,
        "Reserve": PROTECTED_AREA,
        "Borealis": CONCESSION,
    }
    assert table["mines"].to_dict() == {"Aurora": 3, OUTSIDE: 1, "Reserve": 1, "Borealis": 1}
    columns = ["hectares", "hectares_to_review", "high_confidence_hectares", "largest_ha"]
    expected = {
        "Aurora": [11, 0.5, 10, 9],
        OUTSIDE: [1, 1, 0, 1],
        "Reserve": [0.5, 0.5, 0.5, 0.5],
        "Borealis": [1, 0, 0, 1],
    }
    for unit, row in expected.items():
        assert table.loc[[unit], columns].to_numpy()[0] == pytest.approx(row, rel=0.002), unit


def test_units_without_mines(tmp_path: Path) -> None:
    concessions = areas_of(tmp_path, Aurora=field(0, 0, 100))
    for scenes in ([], [compare_with_permits(mines_of([]), concessions, None, SETTINGS)]):
        table = areas_by_unit(scenes, concessions, None)
        assert len(table) == 0
        assert table.dtypes.astype(str).to_dict() == UNIT_COLUMNS


def test_slivers() -> None:
    mines = mines_of([field(0, 0, 100)])
    beside = gpd.GeoSeries([field(100, 0, 100), field(0, 100, 100)], crs="EPSG:32721").to_crs(4326)
    compared = compare_with_permits(mines, in_degrees(*beside), None, SETTINGS)
    assert compared["concession"].isna().all()


def test_missing_crs() -> None:
    mines = mines_of([field(0, 0, 100)]).set_crs(None, allow_override=True)
    with pytest.raises(BadInputError, match=r"The map of mines has no CRS"):
        compare_with_permits(mines, in_degrees(shapely.box(-58, -6, -57, -5)), None, SETTINGS)
