"""Made-up regions of the page of sites that look like those of a real run."""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.reporting.site_page import SiteRegion, draw_site_page
from mining_the_mines.reporting.web_map import WebMapSettings
from support.scene_layers import make_visible
from support.sites import YEARS, tiny_sites

#: 4 by 3.2 km of ground around the sites of support.sites.
GRID = ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 609_600, 0, -10, 9_338_200), 400, 320)
_PICTURES: Mapping[str, NDArray[np.float32]] = {year.name: make_visible(seed) for seed, year in enumerate(YEARS)}


def make_region(name: str = "tapajos", unseen: str = "", grid: ChipGrid = GRID) -> SiteRegion:
    """A region that can be seen in all years but one."""
    return SiteRegion(name, grid, lambda period: None if period == unseen else _PICTURES[period])


def write_site_page(
    path: Path,
    sites: gpd.GeoDataFrame | None = None,
    regions: tuple[SiteRegion, ...] = (make_region(),),
    years: int = 4,
    title: str = "Mines on the Tapajós",
) -> str:
    """Write a page; its address."""
    table = tiny_sites() if sites is None else sites
    path.write_text(draw_site_page(table, YEARS[:years], regions, WebMapSettings(), title), "utf-8")
    return path.as_uri()
