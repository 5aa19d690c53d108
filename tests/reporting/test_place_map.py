"""Maps of chips, anywhere on Earth."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.place_map import DECISION_SYMBOLS, SPLIT_SYMBOLS, place_map, view_around


@pytest.mark.parametrize(
    ("longitudes", "latitudes"),
    [
        ([-60.0], [-5.0]),
        ([-179.0, 179.0], [-60.0, 75.0]),
        ([10.0, 10.0], [-80.0, 80.0]),
        ([25.0, 25.01], [-10.0, -10.0]),
    ],
)
def test_view_holds_every_place(longitudes: list[float], latitudes: list[float]) -> None:
    view = view_around(np.array(longitudes), np.array(latitudes))
    assert view.west <= min(longitudes) < max(longitudes) + 1e-9 <= view.east
    assert view.south <= min(latitudes) < max(latitudes) + 1e-9 <= view.north
    shrink = max(0.2, np.cos(np.radians((view.south + view.north) / 2)))
    assert 0.54 <= (view.north - view.south) / ((view.east - view.west) * shrink) <= 1.01


def test_no_coordinates_no_map() -> None:
    assert place_map(pd.DataFrame({"split": ["train"]}), "split", SPLIT_SYMBOLS) is None
    unknown = pd.DataFrame({"split": ["train"], "longitude": [np.nan], "latitude": [np.nan]})
    assert place_map(unknown, "split", SPLIT_SYMBOLS) is None


def test_legend_counts() -> None:
    points = pd.DataFrame({"longitude": [1.0, 2.0, 3.0], "latitude": [1.0, 2.0, 3.0], "kind": ["FN", "FN", "TP"]})
    figure = place_map(points, "kind", DECISION_SYMBOLS)
    assert figure is not None
    drawing = to_svg(figure, "map")
    assert "Missed mine (2)" in drawing
    assert "Mine found (1)" in drawing
    assert "km" in drawing
    assert "°E" in drawing


def test_coast_ends_at_the_antimeridian() -> None:
    points = pd.DataFrame({"longitude": [-72.0, 28.0], "latitude": [-12.0, -12.0], "split": "train"})
    figure = place_map(points, "split", SPLIT_SYMBOLS)
    assert figure is not None
    (coasts,) = (found for found in figure.axes[0].collections if isinstance(found, LineCollection))
    assert max(np.ptp(line[:, 0]) for line in coasts.get_segments()) < 180
