"""The page of sites in a real browser."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
from affine import Affine

from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus, site_table
from mining_the_mines.reporting.status_colours import STATUS_COLOURS
from support.browser import Browser
from support.site_pages import GRID, make_region, write_site_page
from support.sites import YEARS, growing_site, site_row, square, tiny_sites

EVIL = "</script><img src=x onerror=alert(1)>"
#: Leftmost and rightmost pixel of the sites' canvas in a colour, on the screen; null if there is none.
PAINTED = """(() => {
  const canvas = document.querySelector(".leaflet-polygons-pane canvas");
  const {data, width} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const near = (at, shade) => [0, 1, 2].every(band => Math.abs(data[at + band] - shade[band]) < 12);
  let found = null;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 200 || !near(at, %s)) continue;
    const x = canvas.getBoundingClientRect().left + at / 4 %% width;
    found = found ? [Math.min(found[0], x), Math.max(found[1], x)] : [x, x];
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sites")


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return write_site_page(folder / "sites.html")


def painted(browser: Browser, status: SiteStatus) -> list[float] | None:
    found: list[float] | None = browser.run(PAINTED % list(STATUS_COLOURS[status]))
    return found


def choose(browser: Browser, selector: str, value: str) -> None:
    """Set a slider or a list as a person does."""
    browser.run(
        f"(field => {{ field.value = {value!r};"
        " for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind)); })"
        f"(document.querySelector({selector!r}))"
    )
    browser.settle()


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1024, 768), (390, 844)])
def test_region_and_controls_lie_inside_the_window(browser: Browser, page: str, width: int, height: int) -> None:
    browser.open(page, width, height)
    edges = "(found => { const {left, top, right, bottom} = found.getBoundingClientRect();"
    edges += " return [left, top, right, bottom]; })(document.querySelector('%s'))"
    ground, frame = (browser.run(edges % selector) for selector in (".leaflet-pictures-pane img", "#map"))
    assert frame[0] <= ground[0] < ground[2] <= frame[2]
    assert frame[1] <= ground[1] < ground[3] <= frame[3]
    assert browser.run(edges % "#compare select")[2] <= width


def layers(browser: Browser) -> list[str]:
    """Names in the list of layers."""
    found = browser.run(
        "[...document.querySelectorAll('.leaflet-control-layers label')].map(each => each.innerText.trim())"
    )
    return list(found)


def test_concessions_and_protected_areas_where_they_are_given(browser: Browser, page: str, folder: Path) -> None:
    browser.open(page)
    assert layers(browser) == ["True colour", "Sites"]
    left, right = (
        gpd.GeoDataFrame({"name": [name]}, geometry=[square(longitude, -6.0, 1500)], crs="EPSG:4326")
        for name, longitude in (("Grant <7>", -56.0), ("Park", -55.98))
    )
    region = replace(make_region(), concessions=left, protected=right)
    browser.open(write_site_page(folder / "areas.html", regions=(region,)))
    assert browser.complaints() == []
    assert layers(browser) == ["True colour", "Concessions", "Protected areas", "Sites"]


def test_opens_at_the_last_period_without_a_network(browser: Browser, page: str) -> None:
    browser.open(page)
    assert browser.complaints() == []
    assert browser.requests() == [page]
    assert browser.text("#summary") == "2022: no new site; 2 sites of 13.0 ha in all; 1 not seen."
    assert browser.text("#new") == "New in 2022 No new site."
    assert painted(browser, SiteStatus.UNCHANGED)
    assert painted(browser, SiteStatus.NOT_SEEN)
    assert painted(browser, SiteStatus.NEW) is None


def test_slider_shows_a_period(browser: Browser, page: str) -> None:
    browser.open(page)
    choose(browser, "#slider", "1")
    assert browser.text("#summary") == "2020: 1 new site of 4.0 ha; 2 sites of 8.0 ha in all; 1 provisional."
    assert browser.text("#now") == "2020 1 January 2020 to 31 December 2020"
    assert browser.text("#new ol") == "tapajos-0002 provisional 4.0 ha"
    assert painted(browser, SiteStatus.NEW)
    pictures = "[...document.querySelectorAll('.leaflet-pictures-pane img')].map(found => found.alt)"
    assert browser.run(pictures) == ["True colour of tapajos, 2020"]


def test_keys_move_the_slider(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.run("document.querySelector('#slider').focus()")
    browser.press("ArrowLeft")
    assert browser.text("#period") == "2021"


def test_play_begins_again_at_the_first_period(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.run("document.querySelector('#play').click()")
    assert browser.text("#period") == "2019"
    assert browser.run("document.querySelector('#play').getAttribute('aria-pressed')") == "true"
    browser.run("document.querySelector('#play').click()")
    assert browser.run("document.querySelector('#play').getAttribute('aria-pressed')") == "false"


def test_chart_has_the_hectares_of_each_period(browser: Browser, page: str) -> None:
    browser.open(page)
    words = browser.run("[...document.querySelectorAll('#chart title')].map(found => found.textContent)")
    assert [word.replace("\N{NARROW NO-BREAK SPACE}", " ") for word in words] == [
        "2019: 4.0 ha", "2020: 8.0 ha", "2021: 13.0 ha", "2022: 4.0 ha, and 9.0 ha last known of sites not seen",
    ]  # fmt: skip
    heights = browser.run(
        "[...document.querySelectorAll('#chart .seen')].map(found => Number(found.getAttribute('height')))"
    )
    assert [height / heights[0] for height in heights] == pytest.approx([1, 2, 3.25, 1])


def test_candidates_are_in_no_sum(browser: Browser, folder: Path) -> None:
    waiting = {"status": SiteStatus.CANDIDATE, "hectares": 0.5, "confirmation": Confirmation.PROVISIONAL}
    hidden = {"status": SiteStatus.NOT_SEEN, "hectares": None, "confirmation": Confirmation.PROVISIONAL}
    rows = [site_row(year) for year in YEARS[2:]]
    faint = [site_row(YEARS[2], "tapajos-0002", **waiting), site_row(YEARS[3], "tapajos-0002", **hidden)]
    later = site_row(YEARS[3], "tapajos-0003", **waiting)
    browser.open(write_site_page(folder / "candidates.html", site_table([*rows, *faint, later])))
    assert browser.text("#summary") == "2022: no new site; 1 site of 4.0 ha in all; 1 waiting for a second look."
    words = browser.run("[...document.querySelectorAll('#chart title')].map(found => found.textContent)")
    assert [word.replace("\N{NARROW NO-BREAK SPACE}", " ") for word in words][2:] == ["2021: 4.0 ha", "2022: 4.0 ha"]


def test_swipe_parts_the_periods(browser: Browser, page: str) -> None:
    browser.open(page)
    choose(browser, "#slider", "1")
    new = painted(browser, SiteStatus.NEW)
    assert new is not None
    choose(browser, "#compare select", "0")
    left, right = browser.run(
        "['left', 'right'].map(side => document.querySelector('#map').getBoundingClientRect()[side])"
    )
    # The new site lies right of the middle, the old one left, as it was in 2019.
    assert painted(browser, SiteStatus.NEW) == new
    assert painted(browser, SiteStatus.BASELINE)
    assert painted(browser, SiteStatus.UNCHANGED) is None
    x, y = browser.run(
        "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        "(document.querySelector('#swipe .handle').getBoundingClientRect())"
    )
    browser.drag((x, y), (left + 0.95 * (right - left), y))
    assert painted(browser, SiteStatus.NEW) is None
    assert browser.text("#swipe") == "2019 2020"
    edge = browser.run("document.querySelector('#swipe').getBoundingClientRect().left")
    assert edge == pytest.approx(left + 0.95 * (right - left), abs=3)
    choose(browser, "#compare select", "")
    assert painted(browser, SiteStatus.NEW) == new


def test_click_opens_a_site(browser: Browser, page: str) -> None:
    browser.open(page)
    choose(browser, "#slider", "1")
    new = painted(browser, SiteStatus.NEW)
    assert new is not None
    height = browser.run("document.querySelector('.leaflet-pictures-pane img').getBoundingClientRect().height")
    top = browser.run("document.querySelector('.leaflet-pictures-pane img').getBoundingClientRect().top")
    middle = sum(new) / 2, top + height * 1507 / 3200
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=middle[0], y=middle[1])
    assert browser.text(".leaflet-tooltip") == "tapajos-0002 · new · 4.0 ha · provisional"
    browser.click(*middle)
    words = browser.text("#site")
    for expected in (
        "tapajos-0002",
        "Status New",
        "Certainty provisional",
        "Began after 30 June 2019, at the latest on 30 June 2020",
        "Lineage monitored_maps:0123456789ab",
        "2021 Grown 9.0 ha +5.0 ha",
        "2022 Not seen – –",
        "kedro evidence tapajos-0002",
    ):
        assert expected in words
    assert browser.run("location.hash") == "#site=tapajos-0002"
    browser.press("Escape")
    assert browser.text("#site") == ""


def test_link_opens_a_site(browser: Browser, page: str) -> None:
    browser.open(f"{page}#site=tapajos-0001")
    assert "2019 Present from the first look 4.0 ha" in browser.text("#site")
    browser.open(f"{page}#site=nowhere")
    assert browser.text("#site") == ""
    assert browser.complaints() == []


def test_search_opens_a_site(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.run("(field => { field.focus(); field.value = '0002'; })(document.querySelector('#search'))")
    browser.press("Enter")
    assert browser.text("#site-title") == "tapajos-0002"
    browser.run("(field => { field.focus(); field.value = 'x'; })(document.querySelector('#search'))")
    browser.press("Enter")
    assert browser.text("#no-match") == "No site has this id."


def test_filters(browser: Browser, folder: Path) -> None:
    sites = tiny_sites().assign(review=[False] * 4 + [True] * 3)
    browser.open(write_site_page(folder / "review.html", sites))
    choose(browser, "#slider", "1")
    browser.run("document.querySelector('#confirmed-0 input').click()")
    assert painted(browser, SiteStatus.NEW) is None
    assert browser.text("#new ol") == ""
    browser.run("document.querySelector('#confirmed-0 input').click()")
    browser.run("document.querySelector('#review-only input').click()")
    assert painted(browser, SiteStatus.NEW)
    assert painted(browser, SiteStatus.UNCHANGED) is None
    browser.run("document.querySelector('#status-new input').click()")
    assert painted(browser, SiteStatus.NEW) is None


def test_unseen_ground_is_hatched(browser: Browser, folder: Path) -> None:
    browser.open(write_site_page(folder / "unseen.html", regions=(make_region(unseen="2022"),)))
    assert browser.text("#unseen-regions") == "Nothing could be seen in this period."
    assert browser.run("document.querySelectorAll('.leaflet-pictures-pane img').length") == 0
    hatching = browser.run("getComputedStyle(document.querySelector('.leaflet-unseen-pane .unseen')).fill")
    assert hatching == 'url("#hatching")'


def test_one_period_and_no_site(browser: Browser, folder: Path) -> None:
    browser.open(write_site_page(folder / "one.html", site_table([]), years=1))
    assert browser.text("#summary") == "2019: no site was found."
    assert browser.text("#time") == "2019 1 January 2019 to 31 December 2019"
    assert browser.complaints() == []


def test_names_are_text(browser: Browser, folder: Path) -> None:
    row = site_row(YEARS[3], EVIL, region=EVIL, concession=EVIL, outside_concessions_ha=0.0, status=SiteStatus.NEW)
    browser.open(write_site_page(folder / "evil.html", site_table([row]), (make_region(EVIL),), title=EVIL))
    browser.run("document.querySelector('#new li button').click()")
    assert f"Concession {EVIL}" in browser.text("#site")
    assert browser.run("document.querySelectorAll('img[onerror]').length") == 0
    assert browser.complaints() == []


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (820, 1180), (400, 800)])
def test_screens(browser: Browser, folder: Path, width: int, height: int) -> None:
    east = replace(GRID, transform=Affine.translation(900_000, 0) @ GRID.transform)
    sites = site_table(growing_site())
    address = write_site_page(folder / "two.html", sites, (make_region(), make_region("far_east", grid=east)))
    browser.open(f"{address}#site=tapajos-0001", width, height)
    choose(browser, "#compare select", "0")
    assert browser.run("document.documentElement.scrollWidth") == width
    boxes = browser.run(
        "['#map', '#panel', '#time', '#play', '#slider', '#compare select', '#swipe .handle']"
        ".map(name => document.querySelector(name).getBoundingClientRect())"
        ".map(({left, top, right, bottom}) => [left, top, right, bottom])"
    )
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    assert browser.complaints() == []
