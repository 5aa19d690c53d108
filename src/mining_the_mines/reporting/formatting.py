"""Numbers, dates and names as the report writes them."""

import math
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Final

from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.map_scores import MAP_TITLES
from mining_the_mines.scoring.metrics import METRIC_TITLES
from mining_the_mines.scoring.segmentation import SEGMENTATION_TITLES
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST

#: Placeholder of an undefined figure.
MISSING: Final = "–"
SPLIT_TITLES = MappingProxyType({TEST: "On the test chips", OUT_OF_FOLD: "Out of fold"})
_TITLES = MappingProxyType({**SEGMENTATION_TITLES, **MAP_TITLES, **METRIC_TITLES})
#: Models whose name is a proper noun.
_PROPER_NAMES = MappingProxyType({"maxvit": "MaxViT"})
#: Models whose name is a plural, as the subject of a sentence in the singular.
_COLLECTIVE_NAMES = MappingProxyType({"trees": "the tree ensemble"})
_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
#: Shares below this are written as "under 0.01 %".
_SMALLEST_SHARE: Final = 1e-4


def model_title(model: str) -> str:
    """Name of a model in headings and legends."""
    words = model.replace("_", " ")
    return _PROPER_NAMES.get(model, words[:1].upper() + words[1:])


def model_name(model: str) -> str:
    """Name of a model within a sentence."""
    return _PROPER_NAMES.get(model) or _COLLECTIVE_NAMES.get(model) or f"the {model.replace('_', ' ')}"


def category_title(category: str) -> str:
    """Name of a category, region or scene with spaces for underscores."""
    return category.replace("_", " ")


def metric_title(metric: str) -> str:
    """Name of a metric in headings and legends."""
    return _TITLES.get(metric, metric.replace("_", " ").capitalize())


def decimal(value: float, digits: int = 3) -> str:
    """Write a number with a fixed number of decimals, or a dash if it is undefined."""
    return _minus(f"{value:.{digits}f}") if math.isfinite(value) else MISSING


def signed_decimal(value: float, digits: int = 3) -> str:
    """Write a difference with its sign, or a dash if it is undefined."""
    return _minus(f"{value:+.{digits}f}") if math.isfinite(value) else MISSING


def percent(value: float) -> str:
    """Write a share as whole per cent, or a dash if it is undefined."""
    return f"{100 * value:.0f}{_NARROW}%" if math.isfinite(value) else MISSING


def signed_percent(value: float) -> str:
    """Write a difference as whole per cent with its sign, or a dash if it is undefined."""
    return _minus(f"{100 * value:+.0f}{_NARROW}%") if math.isfinite(value) else MISSING


def small_percent(part: float, whole: float) -> str:
    """Write a share of two significant digits, or a dash if the whole is 0."""
    if not whole:
        return MISSING
    share = part / whole
    if part and share < _SMALLEST_SHARE:
        return f"under 0.01{_NARROW}%"
    return f"{100 * share:.2g}{_NARROW}%" if share < 0.995 else f"100{_NARROW}%"


def hectares(area: float, *, signed: bool = False) -> str:
    """Write an area with its unit: tenths below 100 hectares, whole ones above; or a dash if it is undefined."""
    if not math.isfinite(area):
        return MISSING
    digits = 1 if abs(area) < 99.95 else 0
    text = f"{area:{'+' if signed else ''},.{digits}f}".replace(",", _NARROW)
    return f"{_minus(text)}{_NARROW}ha"


def span(interval: Interval, write: Callable[[float], str]) -> str:
    """Write the ends of an interval with their common unit once, such as "80 to 90 %".

    Args:
        interval: Its ends are NaN if it has none.
        write: Formats one end.

    Returns:
        Empty if there is no interval.
    """
    if not math.isfinite(interval.low):
        return ""
    low, high = write(interval.low), write(interval.high)
    unit = high.rpartition(_NARROW)[1:]
    return f"{low.removesuffix(''.join(unit)) if unit[0] else low} to {high}"


def figure_texts(metric: str, interval: Interval, digits: int = 3, *, difference: bool = False) -> tuple[str, str]:
    """Write a score and its interval in the unit of the metric.

    Args:
        metric: Name of the metric; areas are recognised by their suffix.
        interval: Value and ends.
        digits: Decimals of scores between 0 and 1.
        difference: Whether the value is a difference of two scores, which is written with its sign.

    Returns:
        The value, and the ends of its interval (empty if it has none).
    """
    write: Callable[[float], str]
    if metric == "area_bias_share":
        write = signed_percent
    elif metric.endswith("hectares"):
        write = partial(hectares, signed=difference or metric == "area_bias_hectares")
    elif difference:
        write = partial(signed_decimal, digits=digits)
    else:
        ends = f"{decimal(interval.low, digits)}\N{EN DASH}{decimal(interval.high, digits)}"
        return decimal(interval.value, digits), ends if math.isfinite(interval.low) else ""
    return write(interval.value), span(interval, write)


def share_texts(interval: Interval) -> tuple[str, str]:
    """Write a share in whole per cent, and the ends of its interval (empty if it has none)."""
    return percent(interval.value), span(interval, percent)


def share(interval: Interval) -> str:
    """Write a share with its interval within a sentence, such as "85 % (80 to 90 %)"."""
    value, ends = share_texts(interval)
    return f"{value} ({ends})" if ends else value


def sight(visible: float) -> str:
    """Describe the visible share of a scene.

    Args:
        visible: Share of the scene that has data, 0–1.

    Returns:
        A clause; empty from 95 % on, since a rim and a few clouds are usual.
    """
    if visible >= 0.95:
        return ""
    if not visible:
        return "nothing could be seen"
    return f"{percent(visible) if visible >= 0.01 else f'less than {percent(0.01)}'} of it could be seen"


def whole(number: int) -> str:
    """Write a whole number with a thin space between thousands."""
    return f"{number:,}".replace(",", _NARROW)


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Write a whole number with its noun."""
    noun = singular if number == 1 else plural or singular + "s"
    return f"{whole(number)} {noun}"


def day(when: date) -> str:
    """Write a date in English, independent of the locale."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def period(first: date | None, last: date | None) -> str:
    """Write the time between two dates; one date if they are equal, empty if one is unknown."""
    if first is None or last is None:
        return ""
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def _minus(text: str) -> str:
    """Write a minus sign, and no sign at all before nothing but zeros."""
    unsigned = text.lstrip("+-")
    return text.replace("-", "\N{MINUS SIGN}") if re.search("[1-9]", unsigned) else unsigned
