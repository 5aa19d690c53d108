"""Mapped mines and reference mines are matched one to one."""

from itertools import permutations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from mining_the_mines.scoring.map_matching import (
    OBJECT_COLUMNS,
    PREDICTION,
    REFERENCE,
    MapComparison,
    MapScoreSettings,
    compare_with_reference,
)
from support.scored_maps import EAST, NORTH, SCENE, SIZE, UTM, Square, make_mines, make_reference, square

DEFAULTS = MapScoreSettings()
squares = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 4)).map(lambda s: (s[0] * 50, s[1] * 50, s[2] * 50)),
    max_size=5,
)


def compare(
    mines: gpd.GeoDataFrame,
    reference: gpd.GeoDataFrame,
    settings: MapScoreSettings = DEFAULTS,
    area: shapely.Geometry = SCENE,
) -> MapComparison:
    return compare_with_reference("tapajos", mines, reference, area, settings)


def side(comparison: MapComparison, name: str) -> pd.DataFrame:
    objects: pd.DataFrame = comparison.objects
    return objects[objects["side"] == name].set_index("object")


def test_perfect_match() -> None:
    comparison = compare(make_mines((100, 100, 200)), make_reference((100, 100, 200)))
    objects = comparison.objects
    assert list(objects.columns) == [*OBJECT_COLUMNS, "geometry"]
    assert objects["matched"].all()
    assert objects["touched"].all()
    assert objects["partner"].tolist() == [1, 1]
    assert objects["iou"].to_numpy() == pytest.approx(1)
    assert len(set(objects["site"])) == 1


def test_areas_on_the_ellipsoid() -> None:
    reference = make_reference((100, 100, 400))
    in_utm = side(compare(make_mines((100, 100, 400)), reference), PREDICTION)
    mercator = gpd.GeoSeries([SCENE.segmentize(20)], crs=UTM).to_crs("EPSG:3857")[0]
    comparison = compare(make_mines((100, 100, 400), crs="EPSG:3857"), reference, area=mercator)
    in_mercator = side(comparison, PREDICTION)
    # UTM's scale is 1.0000025 here, 28 km within its line of true scale.
    assert in_utm["hectares"].item() == pytest.approx(16, rel=1e-3)
    assert in_mercator["hectares"].item() == pytest.approx(in_utm["hectares"].item(), rel=1e-6)
    assert in_mercator["iou"].item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("edge", "matched"), [(142, True), (141, False)])
def test_iou_threshold(edge: float, matched: bool) -> None:
    # 200 × 200 m around a square: half of it is mapped from an edge of 141.4 m on.
    objects = compare(make_mines((0, 0, edge)), make_reference((0, 0, 200))).objects
    assert objects["matched"].tolist() == [matched, matched]
    assert objects["touched"].all()


def test_near_reference_polygons_are_joined() -> None:
    reference = make_reference((0, 0, 100), (104, 0, 100), (300, 0, 100))
    true = side(compare(make_mines(), reference), REFERENCE)
    assert true["hectares"].to_numpy() == pytest.approx([2, 1], rel=1e-3)
    apart = side(compare(make_mines(), reference, MapScoreSettings(join_metres=3)), REFERENCE)
    assert len(apart) == 3


def test_multipart_reference() -> None:
    parts = shapely.MultiPolygon([square(0, 0, 100), square(500, 0, 100)])
    reference = gpd.GeoDataFrame(geometry=[parts], crs=UTM)
    comparison = compare(make_mines((500, 0, 100)), reference)
    assert side(comparison, REFERENCE)["matched"].tolist() == [False, True]


def test_reference_outside() -> None:
    reference = make_reference((0, 0, 100), (5_000, 0, 100), (900_000, 900_000, 100))
    comparison = compare(make_mines((3_000, 0, 100)), reference)
    assert comparison.references_outside == 2
    assert comparison.objects["side"].tolist() == [REFERENCE]


def test_clipping() -> None:
    area = shapely.box(EAST, NORTH - SIZE, EAST + 75, NORTH)
    comparison = compare(make_mines((0, 0, 75)), make_reference((0, 0, 100)), area=area)
    true = side(comparison, REFERENCE)
    assert true["hectares"].item() == pytest.approx(0.75, rel=1e-3)
    assert true["share_inside"].item() == pytest.approx(0.75, rel=1e-3)
    assert true["counted"].item()


def test_mines_mostly_outside_do_not_count() -> None:
    area = shapely.box(EAST, NORTH - SIZE, EAST + 40, NORTH)
    alone = compare(make_mines(), make_reference((0, 0, 100)), area=area)
    assert alone.objects["counted"].tolist() == [False]
    both = compare(make_mines((0, 0, 40)), make_reference((0, 0, 100)), area=area)
    assert both.objects["counted"].tolist() == [False, False]
    missed = compare(make_mines((0, 500, 40)), make_reference((0, 0, 100)), area=area)
    assert missed.objects["counted"].tolist() == [False, True]


def test_reference_in_a_partial_projection() -> None:
    # Gnomonic about the north pole: points south of the equator have no place in it.
    polar = "+proj=gnom +lat_0=90 +lon_0=0 +datum=WGS84 +units=m"
    reference = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 100, 100)], crs=polar)
    comparison = compare(make_mines((0, 0, 100)), reference)
    assert comparison.references_outside == 1
    assert comparison.objects["side"].tolist() == [PREDICTION]


def test_antimeridian() -> None:
    # The zones 60 and 1 meet there: 180 degrees east is 833 978.6 m in the former, at the equator.
    crs, middle = "EPSG:32660", 833_978.56
    shape = shapely.box(middle - 100, 1_000, middle + 100, 1_200)
    mines = gpd.GeoDataFrame({"id": [7]}, geometry=[shape], crs=crs)
    in_degrees = gpd.GeoDataFrame(
        geometry=[
            shapely.box(179.99, 0, 180, 0.1).intersection(shapely.box(0, 0.009044, 180, 0.010853)),
            shapely.box(-180, 0.009044, -179.99, 0.010853),
        ],
        crs="EPSG:4326",
    )
    area = shapely.box(middle - 2_000, 0, middle + 2_000, 2_000)
    objects = compare(mines, in_degrees, area=area).objects
    assert objects["side"].tolist() == [REFERENCE, PREDICTION]
    assert objects["touched"].all()
    assert objects.loc[0, "hectares"] > 40


def test_size_classes() -> None:
    mines = make_mines((0, 0, 60), (200, 0, 100), (400, 0, 200), (700, 0, 400))
    classes = side(compare(mines, make_reference()), PREDICTION)["size_class"].tolist()
    assert classes == ["under 0.5 ha", "0.5 to 2 ha", "2 to 10 ha", "10 ha and more"]
    one = compare(mines, make_reference(), MapScoreSettings(size_classes_ha=()))
    assert set(one.objects["size_class"]) == {"all sizes"}


@pytest.mark.parametrize(
    ("mines", "reference"), [((), ()), (((0, 0, 100),), ()), ((), ((0, 0, 100),))], ids=["nothing", "mines", "truth"]
)
def test_empty_sides(mines: tuple[Square, ...], reference: tuple[Square, ...]) -> None:
    objects = compare(make_mines(*mines), make_reference(*reference)).objects
    assert len(objects) == len(mines) + len(reference)
    assert not objects["matched"].any()
    assert {
        name: str(kind) for name, kind in objects.dtypes.items() if name != "geometry"
    }.keys() == OBJECT_COLUMNS.keys()
    assert str(objects.crs) == "EPSG:4326"


def test_map_without_data() -> None:
    comparison = compare(make_mines((0, 0, 100)), make_reference((0, 0, 100)), area=shapely.MultiPolygon())
    assert comparison.objects.empty
    assert comparison.references_outside == 1


def test_missing_crs_is_refused() -> None:
    with pytest.raises(ValueError, match="both have a CRS"):
        compare(make_mines().set_crs(None, allow_override=True), make_reference())


@pytest.mark.parametrize("limits", [(2.0, 1.0), (0.0, 1.0), (1.0, 1.0)])
def test_falling_size_limits_are_refused(limits: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="above 0 and rise"):
        MapScoreSettings(size_classes_ha=limits)


def best_by_trying(iou: NDArray[np.float64], least: float) -> tuple[int, float]:
    """Number of pairs and total IoU of the best one-to-one matching of all there are."""
    rows, columns = iou.shape
    if rows > columns:
        return best_by_trying(iou.T, least)
    best = (0, 0.0)
    for order in permutations(range(columns), rows):
        chosen = [iou[row, column] for row, column in enumerate(order) if iou[row, column] >= least]
        best = max(best, (len(chosen), float(sum(chosen))))
    return best


@hypothesis_settings(max_examples=15)
# No overlap of such squares lies at one of these thresholds, where rounding decides.
@given(squares, squares, st.sampled_from([0.0511, 0.2011, 0.5011]))
def test_matching_is_optimal(mapped: list[Square], drawn: list[Square], least: float) -> None:
    mines = make_mines(*mapped)
    comparison = compare(mines, make_reference(*drawn), MapScoreSettings(iou=least))
    true, found = side(comparison, REFERENCE), side(comparison, PREDICTION)
    in_metres = comparison.objects.to_crs(UTM)
    flat = [in_metres.geometry[in_metres["side"] == name].to_numpy() for name in (REFERENCE, PREDICTION)]
    common = shapely.area(shapely.intersection(flat[1][:, None], flat[0][None, :]))
    iou = common / (shapely.area(flat[1])[:, None] + shapely.area(flat[0])[None, :] - common)
    pairs, total = best_by_trying(iou, least)
    assert (true["matched"].sum(), found["matched"].sum()) == (pairs, pairs)
    assert true.loc[true["matched"], "iou"].sum() == pytest.approx(total, abs=1e-3)
    assert true["partner"].dropna().is_unique
    assert (true["touched"] == (true["common_hectares"] > 0)).all()
