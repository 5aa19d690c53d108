"""The page of sites holds all data and fetches nothing."""

import json
import re
from typing import Any

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.monitoring.site_table import site_table
from mining_the_mines.reporting.site_page import draw_site_page
from mining_the_mines.reporting.web_map import WebMapSettings
from support.report_pages import Page
from support.site_pages import make_region
from support.sites import YEARS, site_row, square, tiny_sites

EVIL = "</script><img src=x onerror=alert(1)><!--"


def blocks_of(page: str) -> dict[str, Any]:
    """Data of the page by the id of their element."""
    found = re.findall(r'<script type="application/json" id="([^"]*)">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(block) for name, block in found}


def drawn(**values: Any) -> str:
    usual = {"sites": tiny_sites(), "periods": YEARS, "regions": (make_region(),)} | values
    return draw_site_page(settings=WebMapSettings(), title="Sites", **usual)


def test_nothing_outside_is_named() -> None:
    page = Page(drawn())
    assert not {"link", "iframe", "object", "base", "img"} & {tag for tag, _ in page.elements}
    assert not any({"src", "href"} & set(attributes) for _, attributes in page.elements)
    policy = next(found["content"] for _, found in page.elements if "http-equiv" in found)
    assert "default-src 'none'" in policy
    assert "img-src data:;" in policy
    assert "unsafe" not in policy


def test_rows_and_sites() -> None:
    data = blocks_of(drawn())["data"]
    assert data["sites"]["id"] == ["tapajos-0001", "tapajos-0002"]
    assert data["sites"]["row"] == [0, 4]
    names = [status["name"] for status in data["statuses"]]
    assert [names[code] for code in data["rows"]["status"]] == [
        "baseline", "unchanged", "unchanged", "unchanged", "new", "grown", "not_seen",
    ]  # fmt: skip
    assert data["rows"]["period"] == [0, 1, 2, 3, 1, 2, 3]
    assert data["rows"]["confirmed"] == [1, 1, 1, 1, 0, 1, 1]
    assert data["rows"]["hectares"] == [4, 4, 4, 4, 4, 9, None]
    assert data["rows"]["review"] is None


def test_an_outline_that_did_not_change_is_kept_once() -> None:
    blocks = blocks_of(drawn())
    outlines = [blocks[f"outlines-{number}"] for number in range(4)]
    assert [[outline is None for outline in of_period] for of_period in outlines] == [
        [False], [True, False], [True, False], [True, True],
    ]  # fmt: skip
    (ring,) = outlines[1][1][0]
    east = [sum(ring[: at + 1 : 2]) for at in range(0, len(ring), 2)]
    assert min(east) / 1e5 == -55.9809
    assert max(east) / 1e5 == -55.9791


def test_a_period_without_a_picture() -> None:
    blocks = blocks_of(drawn(regions=(make_region(unseen="2021"),)))
    assert [len(blocks[f"pictures-{number}"]) for number in range(4)] == [1, 1, 0, 1]


def test_details_of_a_row() -> None:
    details = blocks_of(drawn())["details"]
    assert details["change_hectares"] == [None, 0, 0, 0, 0, 5, None]
    onset = details["onset_after"]
    assert [onset["values"][code] for code in onset["codes"]] == [""] * 4 + ["30 June 2019"] * 3


def test_a_period_that_the_maps_lack_is_refused() -> None:
    with pytest.raises(BadInputError, match="has the period 2022, which the maps lack"):
        drawn(periods=YEARS[:3])


def test_no_site() -> None:
    data = blocks_of(drawn(sites=site_table([])))["data"]
    assert data["sites"]["id"] == data["rows"]["period"] == []
    assert [region["name"] for region in data["regions"]] == ["tapajos"]


def test_a_region_across_the_antimeridian() -> None:
    rows = [
        site_row(YEARS[0], "fiji-1", region="fiji", geometry=square(179.999, -6.0, 200)),
        site_row(YEARS[0], "fiji-2", region="fiji", geometry=square(-179.999, -6.0, 200)),
    ]
    sites = blocks_of(drawn(sites=site_table(rows), regions=()))["data"]["sites"]
    assert sites["longitude"] == [17_999_900, 18_000_100]


def test_names_are_escaped() -> None:
    row = site_row(
        YEARS[0], EVIL, region=EVIL, concession=EVIL, protected_area=EVIL, model=EVIL, lineage_id=EVIL, joined=EVIL
    )
    text = draw_site_page(site_table([row]), YEARS, (make_region(EVIL),), WebMapSettings(attribution=EVIL), EVIL)
    assert "<img" not in text
    blocks = blocks_of(text)
    assert blocks["data"]["sites"]["id"] == [EVIL]
    assert blocks["details"]["concession"]["values"] == [EVIL]


def test_the_same_page_for_the_same_sites() -> None:
    assert drawn() == drawn()
