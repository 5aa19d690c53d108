"""Made-up composites that look like those of a real run."""

from datetime import date

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from mining_the_mines.reporting.composite_part import CompositeData, CompositeView
from support.reports import make_chip

BASELINES = ("03.01", "04.00", "05.09")
DATES = tuple(date(2022, month, 3) for month in range(1, 10))


def make_view(
    region: str, seed: int = 0, size: int = 96, *, most: int = 9, baselines: tuple[str, ...] = BASELINES
) -> CompositeView:
    """Woods with a pit, seen on up to as many dates, and a corner that nobody saw."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(0, 1, (size, size)), size / 10)
    order = field.ravel().argsort().argsort().reshape(field.shape)
    clear = (1 + order * most // order.size).astype(np.uint16)
    clear[: size // 8, : size // 8] = 0
    visible = make_chip(seed, size, mine=True)
    visible[:, clear == 0] = np.nan
    return CompositeView(region, visible, clear, np.bincount(clear.ravel()), DATES, baselines, "median")


def make_scenes(regions: tuple[str, ...]) -> pd.DataFrame:
    """Nine scenes a region."""
    rows = [{"region": region, "item": f"S2A_{region}_{day:%Y%m%d}"} for region in regions for day in DATES]
    return pd.DataFrame(rows)


def make_left_out() -> pd.DataFrame:
    """Two clouded scenes, one that was processed again, and a region with too few."""
    rows = [
        ("tapajos", "S2A_cloudy", "2022-02-01T14:00:00Z", "too cloudy: 81 % where 70 % are allowed"),
        ("tapajos", "S2B_cloudy", "2022-03-01T14:00:00Z", "too cloudy: 90 % where 70 % are allowed"),
        ("copper_belt", "S2A_again", "2022-04-01T08:00:00Z", "processed again: S2A_newer shows the same"),
        ("guiana_shield", "", "", "the whole region: it has scenes of 2 days where 3 are needed"),
    ]
    return pd.DataFrame(rows, columns=["region", "item", "datetime", "reason"])


def make_composites(size: int = 96) -> CompositeData:
    """Two regions with all that a report can show of them."""
    regions = ("tapajos", "copper_belt")
    views = tuple(make_view(region, seed, size) for seed, region in enumerate(regions))
    return CompositeData(views, make_scenes(regions), make_left_out())
