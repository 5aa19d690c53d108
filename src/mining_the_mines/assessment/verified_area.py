"""Estimated areas in sentences for pages that show the map."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from mining_the_mines.assessment.sample_table import MINE
from mining_the_mines.reporting.formatting import category_title, count, day, hectares

#: Digits of a map's hash in the table of estimates.
HASH_DIGITS = 12


def verified_rows(estimates: pd.DataFrame | None, maps: Mapping[str, str], period: str = "") -> pd.DataFrame:
    """Choose the estimated areas of mines of some maps.

    Args:
        estimates: Columns of :data:`~mining_the_mines.assessment.area_estimates.AREA_COLUMNS`; ``None`` for none.
        maps: Content hash of each map by its region.
        period: Name of their period; empty if they have none.

    Returns:
        One row per domain whose regions are all among the maps, with ``counted``, the hectares that the map counts.
    """
    if estimates is None or "regions" not in estimates:  # written before tables named their sources
        return pd.DataFrame()
    among = estimates["regions"].map(lambda names: set(names.split("; ")) <= set(maps)).astype(bool)
    wanted = (
        (estimates["period"] == period) & (estimates["class"] == MINE) & estimates["domain"].isin(["all", "region"])
    )
    here = estimates[wanted & among]
    counted = here[here["measure"] == "pixel_count"].set_index(["domain", "name"])["value"].rename("counted")
    areas = here[(here["measure"] == "area") & here["value"].notna()]
    return areas.join(counted, on=["domain", "name"])


def verified_sentences(estimates: pd.DataFrame | None, maps: Mapping[str, str], period: str = "") -> list[str]:
    """Say what maps count and what is verified, with the interval, the sample and its date.

    Args:
        estimates: As in :func:`verified_rows`.
        maps: Content hash of each map by its region; estimates of an earlier map are said to be so.
        period: Name of their period.

    Returns:
        One sentence per domain; none where nothing is estimated.
    """
    return [_sentence(row, maps) for row in verified_rows(estimates, maps, period).to_dict("records")]


def _sentence(row: dict[Any, Any], maps: Mapping[str, str]) -> str:
    where = ", ".join(part for part in (row["period"], category_title(row["name"])) if part)
    known = set(row["map_hashes"].split("; "))
    current = {maps[region][:HASH_DIGITS] for region in row["regions"].split("; ")}
    people = (
        f"judged by {count(row['reviewers'], 'person', 'people')}" if row["reviewers"] else "of the simulated truth"
    )
    until = f" until {day(date.fromisoformat(row['judged_until']))}" if row["judged_until"] else ""
    which = "map" if known == current else "map that was sampled, an earlier one,"
    said = (
        f"{f'{where}: the' if where else 'The'} {which} counts {hectares(row['counted'])} of mines; verified "
        f"{hectares(row['value'])} ({hectares(row['lower'])} to "
        f"{hectares(row['upper'])}, 95 % interval), from {count(row['places'], 'random place')} {people}{until}"
    )
    return f"{said}; provisional, since {hectares(row['pending'])} wait for review." if row["pending"] else f"{said}."
