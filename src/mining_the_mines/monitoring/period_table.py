"""Table of the periods of a series: dates used, share seen, and doubts whether periods can be compared."""

import logging
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
import rasterio

from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.periods import Period

logger = logging.getLogger(__name__)

#: Columns and their types. ``dates`` is the number of days with a scene, ``seen_share`` the share of the region with
#: data, ``clear_dates`` the mean number of clear dates of its pixels, ``doubt`` a sentence, empty for none.
PERIOD_COLUMNS: Final = {
    "period": "str", "region": "str", "start": "str", "end": "str", "dates": "Int64", "first_date": "str",
    "last_date": "str", "seen_share": "float64", "clear_dates": "float64", "mines": "Int64", "hectares": "float64",
    "model": "str", "model_version": "str", "doubt": "str",
}  # fmt: skip
#: A period is doubted if it has less than this share of the dates that the others have in the middle, if less than this
#: share of a region is seen, or if its dates lie further than these days from those of others in the year.
_FEW: Final = 0.5
_LITTLE: Final = 0.5
_SEASON_DAYS: Final = 60
_YEAR_DAYS: Final = 365.25
#: Longest side of a raster of clear dates in pixels, to take the mean of.
_SIDE: Final = 1024


def tabulate_periods(maps: Sequence[PeriodResult[SceneMaps]]) -> pd.DataFrame:
    """Tabulate which dates each period used, and how much of each region was seen; doubts are logged as well.

    Args:
        maps: Maps by period.

    Returns:
        A row a period and region of the series, with the columns :data:`PERIOD_COLUMNS`.
    """
    regions = sorted({found.name for each in maps if each.result for found in each.result.maps})
    rows = [row for region in regions for row in _region_rows(region, maps)]
    for row in rows:
        if row["doubt"]:
            logger.warning("%s in the period %s: %s", row["region"], row["period"], row["doubt"])
    return pd.DataFrame(rows, columns=list(PERIOD_COLUMNS)).astype(PERIOD_COLUMNS)


def _region_rows(region: str, maps: Sequence[PeriodResult[SceneMaps]]) -> list[dict[str, object]]:
    found = {each.period: _map_of(region, each) for each in maps}
    days = {period: seen.record.scene.dates for period, seen in found.items() if seen and seen.record.scene.dates}
    doubts = doubt_periods(days)
    rows = []
    for each in maps:
        seen = found[each.period]
        row: dict[str, object] = {
            "period": each.period.name, "region": region, "start": each.period.start.isoformat(),
            "end": each.period.end.isoformat(), "first_date": "", "last_date": "", "model": "", "model_version": "",
            "seen_share": 0.0, "doubt": doubts.get(each.period, ""),
        }  # fmt: skip
        if seen is None:
            rows.append({**row, "doubt": f"not seen. {_reason(region, each)}".strip()})
            continue
        used, facts = days.get(each.period, ()), seen.record.facts
        row |= {
            "dates": len(used) or None, "first_date": used[0].isoformat() if used else "",
            "last_date": used[-1].isoformat() if used else "", "seen_share": seen.record.mapped_share,
            "clear_dates": _mean_clear_dates(seen), "mines": seen.record.mines, "hectares": seen.record.hectares,
            "model": facts.model, "model_version": facts.model_version,
        }  # fmt: skip
        if seen.record.mapped_share < _LITTLE:
            row["doubt"] = f"only {100 * seen.record.mapped_share:.0f} % of it can be seen. {row['doubt']}".strip()
        rows.append(row)
    return rows


def doubt_periods(days: dict[Period, tuple[date, ...]]) -> dict[Period, str]:
    """Doubt periods that differ from the others of a region in what can be seen.

    A period is compared with those that begin at the same time of the year: quarters have seasons of their own.

    Args:
        days: Days of the scenes of each period.

    Returns:
        A sentence for each doubtful period.
    """
    doubts: dict[Period, str] = {}
    for period, used in days.items():
        others = [dates for other, dates in days.items() if other != period and _same_season(other, period)]
        if not others:
            continue
        usual = float(np.median([len(dates) for dates in others]))
        apart = _days_apart(_middle(used), _middle([day for dates in others for day in dates]))
        if len(used) < _FEW * usual:
            doubts[period] = (
                f"{len(used)} dates, where other periods have {usual:g}: less is clear, so small mines may be missed."
            )
        elif apart > _SEASON_DAYS:
            doubts[period] = (
                f"its dates lie {apart:.0f} days from those of other periods in the year: crops, water and dry ground "
                "may look like change."
            )
    return doubts


def _map_of(region: str, each: PeriodResult[SceneMaps]) -> SceneMap | None:
    return next((found for found in each.result.maps if found.name == region), None) if each.result else None


def _reason(region: str, each: PeriodResult[SceneMaps]) -> str:
    if each.result is None:
        return each.reason
    return next((scene.reason for scene in each.result.unmapped if scene.scene == region), "")


def _same_season(first: Period, second: Period) -> bool:
    return _days_apart(_angle(first.start), _angle(second.start)) <= _SEASON_DAYS


def _angle(day: date) -> float:
    return 2 * np.pi * day.timetuple().tm_yday / _YEAR_DAYS


def _middle(days: Sequence[date]) -> float:
    """Circular mean of days of the year, in radians (Mardia and Jupp 2000, *Directional Statistics*, 2.2)."""
    return float(np.angle(np.exp(1j * np.array([_angle(day) for day in days])).mean()))


def _days_apart(first: float, second: float) -> float:
    return float(abs(np.angle(np.exp(1j * (first - second))))) * _YEAR_DAYS / (2 * np.pi)


def _mean_clear_dates(seen: SceneMap) -> float | None:
    path = seen.record.scene.clear_dates
    if path is None or not path.is_file():
        return None
    with rasterio.open(path) as source:
        step = max(1, max(source.shape) // _SIDE)
        shape = (source.height // step, source.width // step)
        return round(float(source.read(1, out_shape=shape).mean()), 2)
