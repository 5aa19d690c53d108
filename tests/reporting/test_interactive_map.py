"""The interactive map holds all data and fetches nothing."""

import dataclasses
import json
import re
from typing import Any

import pytest
from pydantic import ValidationError
from rasterio.crs import CRS

from mining_the_mines.reporting.interactive_map import InteractiveMapSettings, SceneLayer, draw_map
from mining_the_mines.reporting.web_map import tile_origin
from support.report_pages import Page
from support.scene_layers import GRID, make_layer, make_mines, make_thumbnail, make_visible, with_permits

SETTINGS = InteractiveMapSettings()
EVIL = "</script><img src=x onerror=alert(1)><!--"


def scenes_of(page: str) -> list[dict[str, Any]]:
    """The data that the page draws."""
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    scenes: list[dict[str, Any]] = json.loads(data.group(1))["scenes"]
    return scenes


def policy_of(page: str) -> str:
    """The sources that the page may run and fetch."""
    return next(found["content"] for _, found in Page(page).elements if "http-equiv" in found)


def test_nothing_outside_is_named() -> None:
    page = Page(draw_map([make_layer()], SETTINGS, "Mines"))
    assert not {"link", "iframe", "object", "base", "img"} & {tag for tag, _ in page.elements}
    assert not any({"src", "href"} & set(attributes) for _, attributes in page.elements)
    text = draw_map([make_layer()], SETTINGS, "Mines")
    targets = re.findall(r"url\(['\"]?([^)'\"]+)", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))
    assert all(target.startswith(("data:image/", "#")) for target in targets)
    assert "sourceMappingURL" not in text


def test_policy_allows_own_scripts_only() -> None:
    policy = policy_of(draw_map([make_layer()], SETTINGS, "Mines"))
    assert "default-src 'none'" in policy
    assert "img-src data:;" in policy
    assert "unsafe" not in policy
    assert len(re.findall(r"'sha256-", policy)) == 6


def test_policy_allows_the_tile_server() -> None:
    settings = InteractiveMapSettings(tiles="https://{s}.tiles.example.org/{z}/{x}/{y}.png", tiles_attribution="Them")
    assert "img-src data: https://*.tiles.example.org;" in policy_of(draw_map([make_layer()], settings, "Mines"))


@pytest.mark.parametrize(
    ("template", "origin"),
    [
        ("https://tiles.example.org/{z}/{x}/{y}.png", "https://tiles.example.org"),
        ("http://127.0.0.1:8080/{z}/{x}/{y}?key=1", "http://127.0.0.1:8080"),
        ("https://tiles.example.org/?z={z}&x={x}&y={y}", "https://tiles.example.org"),
        ("tiles/{z}/{x}/{y}.png", None),
        ("javascript://a/{z}/{x}/{y}", None),
        ("https://*/{z}/{x}/{y}", None),
        ("https://a b;script-src/{z}/{x}/{y}", None),
        ("https://tiles.example.org/map.png", None),
    ],
)
def test_tile_origins(template: str, origin: str | None) -> None:
    assert tile_origin(template) == origin


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tiles": "ftp://x/{z}/{x}/{y}", "tiles_attribution": "x"}, "is no address of tiles"),
        ({"tiles": "https://x.org/{z}/{x}/{y}"}, "need tiles_attribution"),
        ({"picture_pixels": 0}, "picture_pixels"),
        ({"tile": None}, "tile"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        InteractiveMapSettings(**settings)


def test_names_are_escaped() -> None:
    layer = make_layer(area=EVIL)
    layer = dataclasses.replace(layer, scene=EVIL, model=EVIL)
    text = draw_map([layer], InteractiveMapSettings(attribution=EVIL), EVIL)
    assert text.count("</script>") == 5
    assert "<img" not in text
    (scene,) = scenes_of(text)
    assert scene["protected"][0]["name"] == scene["name"] == EVIL


def test_all_columns_of_a_mine() -> None:
    (scene,) = scenes_of(draw_map([make_layer()], SETTINGS, "Mines"))
    columns = scene["mines"]["columns"]
    assert {name: values[2] for name, values in columns.items()} == {
        "id": 3,
        "confidence": 2,
        "area_ha": 0.48,
        "mean_probability": 0.6,
        "max_probability": 0.9,
        "clear_dates": 7.0,
        "longitude": columns["longitude"][2],
        "latitude": columns["latitude"][2],
        "outside_concessions_ha": 0.48,
        "protected_ha": 0.24,
        "concession": None,
        "protected_area": "Reserva do Rio Claro",
        "touches_edge": False,
        "review": True,
    }
    assert scene["period"] == "8 January 2024 to 30 September 2024"
    assert (scene["model"], scene["version"]) == ("segmenter", "3")


def test_unknown_figures_are_null() -> None:
    mines = make_mines()
    mines["clear_dates"] = float("nan")
    layer = SceneLayer("a", "segmenter", "1", GRID, mines, make_visible(), 1.0)
    (scene,) = scenes_of(draw_map([layer], SETTINGS, "Mines"))
    assert scene["mines"]["columns"]["clear_dates"] == [None, None, None]
    assert "review" not in scene["mines"]["columns"]
    assert [scene[part] for part in ("period", "probability", "reference", "concession", "protected")] == [None] * 5
    assert scene["thumbnails"] == {}


def test_thumbnails_of_the_most_urgent_mines() -> None:
    layers = [make_layer(make_mines(scene="a"), "a"), make_layer(with_permits(make_mines(scene="b")), "b")]
    scenes = scenes_of(draw_map(layers, InteractiveMapSettings(thumbnails=3), "Mines"))
    # To be reviewed: b/3; of high confidence: a/2 and b/2.
    assert [sorted(scene["thumbnails"]) for scene in scenes] == [["2"], ["2", "3"]]


def test_scenes_of_two_utm_zones() -> None:
    grid = dataclasses.replace(GRID, crs=CRS.from_epsg(32722))
    other = SceneLayer(
        "b", "segmenter", "1", grid, make_mines(grid, scene="b"), make_visible(), 1.0, thumbnail=make_thumbnail
    )
    scenes = scenes_of(draw_map([make_layer(make_mines(scene="a"), "a"), other], SETTINGS, "Mines"))
    assert [sorted(scene["thumbnails"]) for scene in scenes] == [["1", "2", "3"]] * 2
