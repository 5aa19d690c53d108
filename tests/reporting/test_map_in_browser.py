"""The interactive map in a real browser."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mining_the_mines.reporting.interactive_map import InteractiveMapSettings, SceneLayer, draw_map
from support.browser import Browser
from support.scene_layers import make_layer, make_mines, with_permits

EVIL = "</script><img src=x onerror=alert(1)>"
SETTINGS = InteractiveMapSettings(attribution="Simulated")
#: Pixels of the canvas that have one of the colours of mines.
PAINTED = """(() => {
  const canvas = document.querySelector(".leaflet-polygons-pane canvas");
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    const near = (red, green, blue) => data[at + 3] > 200 && Math.abs(data[at] - red) < 12
      && Math.abs(data[at + 1] - green) < 12 && Math.abs(data[at + 2] - blue) < 12;
    if (near(%d, %d, %d)) found += 1;
  }
  return found;
})()"""
HIGH, MEDIUM, REVIEW = (240, 228, 66), (86, 180, 233), (255, 45, 45)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("maps")


def write(folder: Path, name: str, *layers: SceneLayer) -> str:
    """Write a map; its address."""
    path = folder / f"{name}.html"
    path.write_text(draw_map(layers, SETTINGS, "Mines on the Tapajós"), "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def one(folder: Path) -> str:
    return write(folder, "one", make_layer())


@pytest.fixture(scope="module")
def two(folder: Path) -> str:
    other = make_layer(with_permits(make_mines(scene="rio: 2/b é"), EVIL), "rio: 2/b é", EVIL)
    return write(folder, "two", make_layer(), other)


def listed(browser: Browser) -> list[str]:
    """Names in the list of mines."""
    names: list[str] = browser.run(
        "[...document.querySelectorAll('#list li .what')].map(found => found.firstChild.textContent)"
    )
    return names


def test_mines_are_drawn_without_errors(browser: Browser, one: str) -> None:
    browser.open(one)
    assert browser.complaints() == []
    assert browser.requests() == [one]
    assert all(browser.run(PAINTED % colour) > 100 for colour in (HIGH, MEDIUM, REVIEW))
    assert browser.run("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert browser.text("#summary") == "3 mines of 4.9 ha in tapajos; 1 to be reviewed."


def test_picture_lies_under_the_polygons(browser: Browser, one: str) -> None:
    browser.open(one)
    frame = browser.run(
        "(({x, y, width, height}) => [x, y, width, height])"
        "(document.querySelector('.leaflet-pictures-pane img').getBoundingClientRect())"
    )
    x, y, width, height = frame
    # The second mine: columns 50 to 62 and rows 20 to 32 of 96.
    browser.click(x + width * 56 / 96, y + height * 26 / 96)
    assert browser.text(".popup h3") == "Mine 2"
    assert browser.run("location.hash") == "#mine=tapajos/2"


def test_link_opens_a_mine(browser: Browser, one: str) -> None:
    browser.open(f"{one}#mine=tapajos/3")
    words = browser.text(".popup")
    for expected in (
        "Mine 3",
        "To be reviewed: 0.24 ha lie in a protected area, 0.48 ha outside every concession.",
        "Area 0.48 ha",
        "Confidence Low",
        "Probability 0.60 on average, 0.90 at most",
        "Clear dates 7 (of its median pixel)",
        "Images 8 January 2024 to 30 September 2024",
        "Concession none",
        "Protected area Reserva do Rio Claro",
        "Middle 7.42108° S, 55.36595° W",
        "Scene tapajos",
        "Model segmenter, version 3",
        "True colour, 600 m across",
    ):
        assert expected in words
    assert browser.run("document.querySelector('.popup img').naturalWidth") == 240
    assert browser.complaints() == []


def test_links_to_odd_names(browser: Browser, two: str) -> None:
    browser.open(f"{two}#mine=rio%3A%202%2Fb%20%C3%A9/1")
    assert "Scene rio: 2/b é" in browser.text(".popup")
    browser.open(f"{two}#mine=nowhere/1")
    assert browser.text(".popup") == ""
    browser.open(f"{two}#mine=%E0%A4%A/1")
    browser.open(f"{two}#mine=rio%3A%202%2Fb%20%C3%A9/3")
    assert f"Protected area {EVIL}" in browser.text(".popup")
    assert browser.run("document.querySelectorAll('img[onerror]').length") == 0
    assert browser.complaints() == []


def test_keyboard(browser: Browser, one: str) -> None:
    browser.open(one)
    browser.run("document.querySelector('#minimum input').focus()")
    browser.press("Tab")
    browser.press("Enter")
    assert browser.text(".popup h3") == "Mine 3"
    assert browser.run("document.activeElement.tagName") == "H3"
    browser.press("Escape")
    assert browser.text(".popup h3") == ""
    assert browser.run("document.activeElement.closest('li button') !== null")
    assert browser.run("location.hash") == ""


def test_filters(browser: Browser, one: str) -> None:
    browser.open(one)
    browser.run("document.querySelectorAll('#classes input')[0].click()")
    browser.settle()
    assert listed(browser) == ["Mine 3", "Mine 1"]
    assert browser.run(PAINTED % HIGH) == 0
    assert browser.text("#shown") == "2 of 3 mines shown, 3.5 ha."
    browser.run("document.querySelectorAll('#classes input')[0].click()")
    browser.run(
        "(field => { field.value = 1; field.dispatchEvent(new Event('input')); })"
        "(document.querySelector('#minimum input'))"
    )
    assert listed(browser) == ["Mine 2", "Mine 1"]
    browser.run("document.querySelector('#review-only input').click()")
    assert listed(browser) == []
    assert browser.text("#shown") == "0 of 3 mines shown, 0.00 ha."


def test_layers(browser: Browser, one: str) -> None:
    browser.open(one)
    names = browser.text(".leaflet-control-layers")
    assert names == "True colour Probability 0–1 Known mines Concessions Protected areas Mines"
    assert browser.run("document.querySelector('.leaflet-probability-pane img')") is None
    browser.run("document.querySelectorAll('.leaflet-control-layers input')[1].click()")
    browser.run("document.querySelectorAll('.leaflet-control-layers input')[5].click()")
    browser.settle()
    assert browser.run("document.querySelector('.leaflet-probability-pane img') !== null")
    assert browser.run("document.querySelector('.leaflet-polygons-pane canvas')") is None


def test_unseen_scene(browser: Browser, folder: Path) -> None:
    nothing = make_layer(make_mines(boxes=[], confidences=[]))
    blank = replace(nothing, mapped_share=0.0, visible=np.full_like(nothing.visible, np.nan), probability=None)
    browser.open(write(folder, "blank", blank))
    assert browser.text("#summary") == "Nothing could be seen in tapajos."
    assert browser.run("document.querySelector('#nothing').hidden")
    other = make_layer(make_mines(scene="south"), "south")
    browser.open(write(folder, "some", blank, replace(other, mapped_share=0.4)))
    assert browser.text("#summary") == "3 mines of 4.9 ha in 2 scenes; nothing could be seen in 1 scene."
    assert browser.complaints() == []


@pytest.mark.parametrize(("width", "height", "dark"), [(1400, 900, False), (400, 800, True)])
def test_screens(browser: Browser, two: str, width: int, height: int, *, dark: bool) -> None:
    browser.open(two, width, height, dark=dark)
    browser.run("document.querySelector('#list li button').click()")
    browser.settle()
    assert browser.run("document.documentElement.scrollWidth") == width
    (left, top, right, bottom), frame, panel = browser.run(
        "['.leaflet-popup', '#map', '#panel'].map(name => document.querySelector(name).getBoundingClientRect())"
        ".map(({left, top, right, bottom}) => [left, top, right, bottom])"
    )
    assert frame[0] <= left < right <= frame[2]
    assert frame[1] <= top < bottom <= frame[3]
    assert min(*frame, *panel) >= 0
    assert max(frame[2], panel[2]) <= width
    assert max(frame[3], panel[3]) <= height
    assert browser.complaints() == []
