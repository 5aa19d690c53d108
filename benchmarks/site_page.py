"""Opening 20 000 sites of eight periods in a browser, against the outlines of one period as GeoJSON layers.

The outlines are patches of thresholded noise on pixels of 10 m, spread over four regions with a picture of each
period; each site grows from period to period. Three pages are opened in headless Chromium, by turns: the page of sites
with all periods; a page that hands the last period's outlines to Leaflet's ``L.geoJSON`` on a canvas with a popup each,
as a map of GeoJSON is usually made; and our interactive map of one period. The time runs from the start of navigation
until the sites are drawn; medians of three are compared. The page of sites may take up to 2 s and no longer than the
layers of GeoJSON. Times of a step of the slider, of a zoom to a region, and of a first opened site are told beside it.

    python benchmarks/site_page.py [--sites NUMBER]
"""

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path
from statistics import median

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
import shapely
from affine import Affine
from rasterio.crs import CRS
from scipy import ndimage

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.monitoring.site_table import SITE_COLUMNS, SiteStatus
from mining_the_mines.reporting.interactive_map import InteractiveMapSettings, SceneLayer, draw_map
from mining_the_mines.reporting.site_page import SiteRegion, draw_site_page
from mining_the_mines.reporting.web_map import WebMapSettings, read_asset

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import browser as chromium
from support.browser import Browser

LIMIT_SECONDS = 2.0
TIMES = 3
PERIODS = tuple(Period(str(year), date(year, 1, 1), date(year, 12, 31)) for year in range(2017, 2025))
#: 55 km a side each, side by side.
GRIDS = tuple(
    ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 300_000 + 56_000 * place, 0, -10, 9_400_000), 5500, 5500)
    for place in range(4)
)
_RIVAL = """<!doctype html><meta charset="utf-8"><title>GeoJSON</title><style>{style} #map {{height: 100vh}}</style>
<div id="map"></div><script type="application/json" id="sites">{sites}</script><script>{leaflet}</script><script>
const map = L.map("map", {{renderer: L.canvas()}});
const sites = L.geoJSON(JSON.parse(document.getElementById("sites").textContent), {{
  style: site => ({{color: site.properties.status === "new" ? "red" : "yellow", weight: 2}}),
  onEachFeature: (site, layer) => layer.bindPopup(
    Object.entries(site.properties).map(([name, value]) => `${{name}}: ${{value}}`).join("<br>")),
}}).addTo(map);
map.fitBounds(sites.getBounds(), {{animate: false}});
</script>"""
_DRAWN = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
_TIMED = """(async () => {{
  const start = performance.now();
  {action};
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - start;
}})()"""
_STEP = "document.querySelectorAll('#ticks button')[3].click()"
_ZOOM = (
    "const list = document.querySelector('#regions select'); list.value = '1'; list.dispatchEvent(new Event('change'))"
)
_OPEN = "document.querySelector('#new li button').click()"


def patches(number: int) -> list[shapely.Geometry]:
    """Outlines of thresholded noise on pixels of 10 m, in metres around their middle, of 0.5 to 30 hectares."""
    random = np.random.default_rng(0)
    found: list[shapely.Geometry] = []
    while len(found) < number:
        field = ndimage.gaussian_filter(random.standard_normal((800, 800)), 5)
        mask = (field > np.quantile(field, 0.95)).astype(np.uint8)
        placed = Affine(10, 0, 0, 0, -10, 0)
        for outline, _ in rasterio.features.shapes(mask, mask.astype(bool), transform=placed):
            shape = shapely.geometry.shape(outline)
            if 5_000 <= shape.area <= 300_000:
                found.append(shapely.affinity.translate(shape, -shape.centroid.x, -shape.centroid.y))
    return found[:number]


def make_sites(number: int) -> gpd.GeoDataFrame:
    """A table of sites: a twelfth is new in each period, the rest has been there from the start."""
    random = np.random.default_rng(1)
    pool = np.array(patches(300), dtype=np.object_)
    which = random.integers(0, len(pool), number)
    region = np.sort(random.integers(0, len(GRIDS), number))
    corner = np.array([(grid.transform.c, grid.transform.f) for grid in GRIDS])[region]
    middle = corner + random.uniform(0.02, 0.98, (number, 2)) * (55_000, -55_000)
    first = np.maximum(0, random.integers(-4, len(PERIODS), number))
    site = np.repeat(np.arange(number), len(PERIODS) - first)
    period = np.concatenate([np.arange(start, len(PERIODS)) for start in first])
    metres = np.sqrt(1 + 0.08 * (period - first[site]))
    corners, of_shape = shapely.get_coordinates(pool[which[site]], return_index=True)
    moved = corners * metres[of_shape, np.newaxis] + middle[site][of_shape]
    shapes = gpd.GeoSeries(shapely.polygons(shapely.linearrings(moved, indices=of_shape)), crs=GRIDS[0].crs)
    new = (period == first[site]) & (period > 0)
    status = np.where(new, SiteStatus.NEW, np.where(period == 0, SiteStatus.BASELINE, SiteStatus.GROWN))
    start = pd.to_datetime([each.start for each in PERIODS])[period]
    frame = pd.DataFrame(dict.fromkeys(SITE_COLUMNS, ""), index=range(len(site)))
    frame = frame.assign(
        site_id=[f"region-{region[each]}-{each:05d}" for each in site],
        region=[f"region-{region[each]}" for each in site],
        period=[PERIODS[each].name for each in period],
        status=status.astype(str),
        confirmation=np.where(new, "provisional", "confirmed"),
        confidence="high",
        model="mine-segmenter",
        model_version="3",
        hectares=shapes.area / 10_000,
        change_hectares=np.where(period > first[site], 0.3, np.nan),
        **dict.fromkeys(("start", "end", "first_date", "last_date", "onset_after", "onset_by"), start),
        **dict.fromkeys(("probability", "peak_probability", "clear_share"), random.uniform(0.5, 1, len(site))),
        **dict.fromkeys(("outside_concessions_ha", "protected_ha"), 0.0),
        review=pd.array([False] * len(site), dtype="boolean"),
    )
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=GRIDS[0].crs).to_crs("EPSG:4326")


def write_pages(folder: Path, sites: gpd.GeoDataFrame) -> dict[str, Path]:
    """Write the three pages."""
    random = np.random.default_rng(2)
    picture = ndimage.gaussian_filter(random.random((3, 900, 900), dtype=np.float32), (0, 3, 3))
    regions = [SiteRegion(f"region-{place}", grid, lambda _: picture) for place, grid in enumerate(GRIDS)]
    last = sites[sites["period"] == PERIODS[-1].name]
    told = last.drop(columns=["start", "end", "first_date", "last_date", "onset_after", "onset_by"])
    mines = last.to_crs(GRIDS[0].crs).assign(
        id=np.arange(len(last)), area_ha=last["hectares"], mean_probability=0.8, max_probability=0.9,
        touches_edge=False, longitude=0.0, latitude=0.0,
    )  # fmt: skip
    scene = SceneLayer("all", "segmenter", "3", GRIDS[0], mines, picture, 1.0)
    pages = {
        "sites": draw_site_page(sites, PERIODS, regions, WebMapSettings(), "Sites"),
        "GeoJSON": _RIVAL.format(
            style=read_asset("leaflet/leaflet.css"), leaflet=read_asset("leaflet/leaflet.js"), sites=told.to_json()
        ),
        "map": draw_map([scene], InteractiveMapSettings(), "Map"),
    }
    paths = {}
    for name, page in pages.items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_text(page, "utf-8")
    return paths


def open_page(browser: Browser, page: Path) -> float:
    """Seconds from the start of navigation until the page is drawn."""
    browser.open(page.as_uri(), 1366, 768)
    return float(browser.run(_DRAWN)) / 1000


def main(number: int) -> int:
    """Compare the pages.

    Returns:
        1 if a limit is missed, else 0.
    """
    sites = make_sites(number)
    with tempfile.TemporaryDirectory() as folder, chromium.running() as browser:
        pages = write_pages(Path(folder), sites)
        seconds: dict[str, list[float]] = {name: [] for name in pages}
        for _ in range(TIMES):
            for name, page in pages.items():
                seconds[name].append(open_page(browser, page))
        medians = {name: median(found) for name, found in seconds.items()}
        for name, page in pages.items():
            each = ", ".join(f"{found:.2f}" for found in seconds[name])
            print(f"{name}: opens in {medians[name]:.2f} s ({each}), {page.stat().st_size / 1e6:.1f} MB")
        open_page(browser, pages["sites"])
        for name, action in (("first opened site", _OPEN), ("step of the slider", _STEP), ("zoom to a region", _ZOOM)):
            print(f"sites: {name} {browser.run(_TIMED.format(action=action)):.0f} ms")
        if browser.complaints():
            raise RuntimeError(f"A page complains: {browser.complaints()}")
    kept = medians["sites"] <= LIMIT_SECONDS and medians["sites"] <= medians["GeoJSON"]
    print(f"{len(sites)} outlines of {number} sites; limit {LIMIT_SECONDS} s: {'kept' if kept else 'missed'}")
    return 0 if kept else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=20_000)
    sys.exit(main(parser.parse_args().sites))
