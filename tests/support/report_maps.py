"""Made-up maps that look like those of a real run."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine

from mining_the_mines.reporting.map_part import MapData
from mining_the_mines.reporting.map_pictures import MapPicture, MapView
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.map_matching import MapScoreSettings, compare_with_reference
from mining_the_mines.scoring.map_scores import MapScores, score_maps
from support.reports import make_chip
from support.scored_maps import EAST, NORTH, SCENE, SIZE, Square, make_mines, make_reference

DRAWN: tuple[Square, ...] = ((100, 100, 200), (500, 100, 300), (1000, 300, 150), (300, 900, 400), (1400, 1400, 60))
MAPPED: tuple[Square, ...] = ((100, 100, 200), (510, 110, 290), (1000, 300, 80), (330, 880, 390), (1500, 800, 120))
CONFIDENCE = ("high", "high", "low", "medium", "high")


def make_picture(seed: int = 0, size: int = 100) -> MapPicture:
    """Woods with a pit, and a corner without data."""
    visible = make_chip(seed, size, mine=True)
    visible[:, : size // 10, -size // 5 :] = np.nan
    step = SIZE / size
    return MapPicture(visible, Affine(step, 0, EAST, 0, -step, NORTH))


def make_view(
    scene: str = "tapajos", mapped: tuple[Square, ...] = MAPPED, picture: MapPicture | None = None
) -> MapView:
    """A map of 4 km² from nine months."""
    mines = make_mines(*mapped, scene=scene, confidence=CONFIDENCE)
    return MapView(scene, mines, 400.0, 1.0, date(2022, 1, 3), date(2022, 9, 3), picture)


def make_scores(*views: MapView, drawn: tuple[Square, ...] = DRAWN) -> MapScores:
    """Maps against the same reference mines."""
    settings = MapScoreSettings()
    reference = make_reference(*drawn)
    comparisons = [compare_with_reference(view.scene, view.mines, reference, SCENE, settings) for view in views]
    return score_maps(comparisons, settings, BootstrapSettings(resamples=50))


def make_units() -> pd.DataFrame:
    """A protected area, a concession, and the ground outside."""
    rows = [
        ("protected area", "Serra <do> Cachimbo", 2, 20.5, 12.5, 9.0, 16.0),
        ("outside every concession", "outside every concession", 1, 1.4, 1.4, 1.4, 1.4),
        ("concession", "Lavra & Filhos", 2, 13.0, 0.0, 13.0, 9.0),
    ]
    columns = ["layer", "unit", "mines", "hectares", "hectares_to_review", "high_confidence_hectares", "largest_ha"]
    return pd.DataFrame(rows, columns=columns)


def with_review(mines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The first mine lies where it may not."""
    return mines.assign(review=mines["id"] == 1)


def make_maps() -> MapData:
    """Two maps with all that a report can show of them."""
    views = (make_view(picture=make_picture()), make_view("copper_belt", MAPPED[:2], make_picture(1)))
    left_out = pd.DataFrame({"scene": ["guiana_shield"], "reason": ["band B8 is missing from guiana.tif"]})
    return MapData(views, make_scores(*views), make_units(), left_out)
