"""Numbers and names as readers write them."""

import math
from datetime import date
from types import MappingProxyType
from typing import Final

from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.map_scores import MAP_TITLES
from mining_the_mines.scoring.metrics import METRIC_TITLES
from mining_the_mines.scoring.segmentation_scores import OUTLINE_TITLES
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST

_AS_GOOD_AS_ALL: Final = 0.95
_PER_CENT: Final = 0.01

MODEL_TITLES = MappingProxyType(
    {"baseline": "Baseline", "maxvit": "MaxViT", "network": "Network", "blend": "Blend", "outlines": "Outlines"}
)
MODEL_NAMES = MappingProxyType(
    {"baseline": "the baseline", "network": "the network", "blend": "the blend of models", "outlines": "the outlines"}
)
SPLIT_TITLES = MappingProxyType({TEST: "On the test chips", OUT_OF_FOLD: "Out of fold"})
_TITLES = MappingProxyType({**OUTLINE_TITLES, **MAP_TITLES, **METRIC_TITLES})
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
#: What a missing figure looks like in a table.
MISSING = "–"


def model_title(model: str) -> str:
    """Name of a model in headings and legends."""
    return MODEL_TITLES.get(model, model)


def category_title(category: str) -> str:
    """A category's name without the underscores of file formats."""
    return category.replace("_", " ")


def model_name(model: str) -> str:
    """Name of a model within a sentence."""
    return MODEL_NAMES.get(model, model_title(model))


def metric_title(metric: str) -> str:
    """Name of a metric in headings and legends."""
    return _TITLES.get(metric, metric.replace("_", " ").capitalize())


def decimal(value: float, digits: int = 3) -> str:
    """A figure with a fixed number of decimals, or a dash if it is undefined."""
    return f"{value:.{digits}f}" if math.isfinite(value) else MISSING


def percent(value: float) -> str:
    """A share as whole per cent, or a dash if it is undefined."""
    return f"{100 * value:.0f}\N{NARROW NO-BREAK SPACE}%" if math.isfinite(value) else MISSING


def sight(share: float) -> str:
    """Say how much of a scene could be seen, where that deserves a word.

    Args:
        share: Of the scene that has data, 0–1.

    Returns:
        Half a sentence; empty from 95 % on: a rim and a few clouds are usual.
    """
    if share >= _AS_GOOD_AS_ALL:
        return ""
    if not share:
        return "nothing could be seen"
    return f"{percent(share) if share >= _PER_CENT else f'less than {percent(_PER_CENT)}'} of it could be seen"


def decimal_range(interval: Interval, digits: int = 3) -> str:
    """Ends of an interval, or nothing if it has none."""
    if not math.isfinite(interval.low):
        return ""
    return f"{interval.low:.{digits}f}\N{EN DASH}{interval.high:.{digits}f}"


def percent_range(interval: Interval) -> str:
    """Ends of an interval in whole per cent, or nothing if it has none."""
    if not math.isfinite(interval.low):
        return ""
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f}\N{NARROW NO-BREAK SPACE}%"


def hectares(area: float, *, signed: bool = False) -> str:
    """An area with its unit: tenths below 100 hectares, whole ones above; or a dash if it is undefined."""
    if not math.isfinite(area):
        return MISSING
    digits = 1 if abs(area) < 99.95 else 0
    text = f"{area:{'+' if signed else ''},.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return text.replace("-", "\N{MINUS SIGN}") + "\N{NARROW NO-BREAK SPACE}ha"


def hectares_range(interval: Interval, *, signed: bool = False) -> str:
    """Ends of an area's interval, or nothing if it has none."""
    if not math.isfinite(interval.low):
        return ""
    low = hectares(interval.low, signed=signed).removesuffix("\N{NARROW NO-BREAK SPACE}ha")
    return f"{low} to {hectares(interval.high, signed=signed)}"


def signed_percent(value: float) -> str:
    """A difference as whole per cent with its sign, or a dash if it is undefined."""
    if not math.isfinite(value):
        return MISSING
    return f"{100 * value:+.0f}\N{NARROW NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}")


def signed_percent_range(interval: Interval) -> str:
    """Ends of a difference's interval in whole per cent, or nothing if it has none."""
    if not math.isfinite(interval.low):
        return ""
    low = signed_percent(interval.low).removesuffix("\N{NARROW NO-BREAK SPACE}%")
    return f"{low} to {signed_percent(interval.high)}"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun, thousands set apart by a thin space."""
    noun = singular if number == 1 else plural or singular + "s"
    return f"{whole(number)} {noun}"


def whole(number: int) -> str:
    """A whole number, thousands set apart by a thin space."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def day(when: date) -> str:
    """A date as people write it, whatever the computer's language."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"
