"""Sentences, tables and pictures of composites agree with their data."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from mining_the_mines.reporting.composite_part import CompositeData, arrange_composites
from support.report_composites import make_composites, make_left_out, make_scenes, make_view
from support.report_pages import plain, rendered, sentences


@pytest.fixture(scope="module")
def data() -> CompositeData:
    return make_composites()


@pytest.fixture(scope="module")
def part(data: CompositeData) -> dict[str, Any]:
    return arrange_composites(data)


def told(part: dict[str, Any]) -> list[str]:
    return sentences(rendered("composites.html.jinja", composites=part))


def of_baselines(*baselines: str) -> str:
    """The sentence on processing baselines."""
    view = make_view("tapajos", size=16, baselines=baselines)
    data = CompositeData((view,), make_scenes(("tapajos",)), make_left_out().head(0))
    return told(arrange_composites(data))[0]


def test_single_region() -> None:
    data = CompositeData((make_view("copper_belt"),), make_scenes(("copper_belt",)), make_left_out().head(0))
    part = arrange_composites(data)
    text = plain(rendered("composites.html.jinja", composites=part))
    assert "one composite of copper belt: the median of the clear pixels of 9 scenes" in text
    assert told(part)[-1] == "All scenes that were found were used."
    assert part["left_out"] is None


def test_mixed_baselines() -> None:
    sentence = of_baselines("03.01", "04.00", "05.09")
    assert sentence.startswith("Processing baselines 03.01, 04.00 and 05.09 are mixed: since 04.00")
    assert "brought to one scale" in sentence


@pytest.mark.parametrize(
    ("baselines", "words"),
    [
        (("03.01",), "All scenes are of processing baseline 03.01, whose numbers carry no offset."),
        (("05.09", "05.11"), "baselines 05.09 and 05.11, whose numbers carry an offset of 1000; it was taken into"),
        ((), "The processing baselines of the scenes are unknown."),
    ],
)
def test_baselines_of_one_kind(baselines: tuple[str, ...], words: str) -> None:
    assert words in of_baselines(*baselines)


def test_share_without_a_clear_date() -> None:
    views = []
    for name, without in (("a", 5), ("b", 15)):
        counts = np.array([without, 50 - without, 0, 50])
        views.append(dataclasses.replace(make_view(name, size=16, most=3), pixels_by_clear_dates=counts))
    part = arrange_composites(CompositeData(tuple(views), make_scenes(("a", "b")), make_left_out()))
    assert told(part)[1] == (
        "10 % of the pixels are without a clear date; half of all have 1 or more, nine in ten 0 to 3."
    )


def test_reasons_are_counted(part: dict[str, Any]) -> None:
    assert told(part)[2:] == [
        "3 scenes were left out or could not be read everywhere: 2 too cloudy, 1 processed again.",
        "guiana shield was left out as a whole: it has scenes of 2 days where 3 are needed.",
    ]


def test_composite_without_a_clear_pixel() -> None:
    empty = dataclasses.replace(
        make_view("empty", size=16),
        visible=np.full((3, 16, 16), np.nan, dtype=np.float32),
        clear_dates=np.zeros((16, 16), dtype=np.uint16),
        pixels_by_clear_dates=np.array([256]),
        dates=(),
    )
    part = arrange_composites(CompositeData((empty,), make_scenes(("empty",)), make_left_out()))
    assert told(part)[1].startswith("100 % of the pixels are without")
    assert [entry.title for entry in part["legend"]] == ["none, or too few: no data"]
