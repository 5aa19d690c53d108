"""The evidence sheet as a page: one HTML file that prints on two sides of A4."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from jinja2 import Template
from markupsafe import Markup
from matplotlib.figure import Figure

from mining_the_mines.evidence.ground import Ground
from mining_the_mines.evidence.looks import Look, SiteLooks
from mining_the_mines.evidence.manifest import OPEN_SEAL, Manifest
from mining_the_mines.evidence.place import Place
from mining_the_mines.evidence.wording import describe_method, describe_state, list_days
from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus
from mining_the_mines.registry.card import HEADLINES, figure_with_interval, title_of
from mining_the_mines.registry.package import StoredPackage
from mining_the_mines.reporting.drawing import BLUE, INK, MUTED, new_axes, styled, to_svg
from mining_the_mines.reporting.formatting import MISSING, category_title, decimal, hectares, percent, period
from mining_the_mines.reporting.page import template_environment
from mining_the_mines.reporting.status_colours import STATUS_TITLES

#: Sentences that readers of a model card must know, which stand in it alone and bold.
_CAVEAT: Final = re.compile(r"^\*\*(.+)\*\*$", re.MULTILINE)
#: Rows that a table of the page holds; the archive has all.
_PERIODS: Final = 9
_UNITS: Final = 3
_REVIEWS: Final = 2
_FILES: Final = 8
#: Letters below the axis of the chart.
_AXIS: Final = 48
#: Bars of the chart that have their hectares above them.
_LABELLED: Final = 12
#: Letters of a period's name in the table and the chart.
_LETTERS: Final = 11


@dataclass(frozen=True, eq=False)
class SheetData:
    """Data of a sheet.

    Attributes:
        looks: History and maps of the site.
        ground: Pictures.
        place: Coordinates of the outline.
        areas: Named areas that are hit, with ``name`` and ``hectares``, by layer; ``None`` if no layer was given.
        package: Package of the model that made the last map; ``None`` if it is not at hand.
        reviews: Answers of people about the site: ``reviewer``, ``answer``, ``answered_at``; the newest first.
        manifest: Files that the sheet stands on.
        verified: Sentences on the verified area of the region in the last look.
    """

    looks: SiteLooks
    ground: Ground
    place: Place
    areas: dict[str, pd.DataFrame | None]
    package: StoredPackage | None
    reviews: pd.DataFrame
    manifest: Manifest
    verified: Sequence[str] = ()


def render_sheet(data: SheetData) -> str:
    """Render a sheet.

    Args:
        data: Of the sheet.

    Returns:
        HTML with style and pictures inside and an open seal; the same data give the same bytes.
    """
    looks, row = data.looks, data.looks.last_seen
    record = looks.after.map.record
    style = resources.files(__package__).joinpath("templates/sheet.css").read_text("utf-8")
    copied = data.manifest.model_dump_json().replace("<", "\\u003c")
    return _template().render(
        site=looks.site,
        region=category_title(str(row["region"])),
        status=STATUS_TITLES[str(row["status"])],
        hectares=float(row["hectares"]),
        confirmed=looks.history["confirmation"].iloc[-1] == Confirmation.CONFIRMED,
        sentences=describe_state(looks),
        looks=[_look(found) for found in looks.pictured],
        active=row["status"] != SiteStatus.INACTIVE,
        was_there=bool(pd.isna(row["onset_after"])),
        ground=data.ground,
        hidden=bool(looks.history["hectares"].isna().any()),
        chart=to_svg(hectares_figure(looks), "hectares"),
        history=_history_rows(looks.history),
        left_out=max(0, len(looks.history) - _PERIODS),
        place=data.place,
        centroid=data.place.centroid.to_dict("records")[0],
        vertices=data.place.shown.to_dict("records"),
        layers=[_layer(title, areas) for title, areas in data.areas.items()],
        reviews=data.reviews.head(_REVIEWS).to_dict("records"),
        more_reviews=max(0, len(data.reviews) - _REVIEWS),
        verified=data.verified,
        method=describe_method(record),
        model=record.facts,
        card=None if data.package is None else _card(data.package),
        lineage=list(dict.fromkeys(looks.history["lineage_id"][looks.history["lineage_id"] != ""]))[-_UNITS:],
        files=data.manifest.files[:_FILES],
        more_files=max(0, len(data.manifest.files) - _FILES),
        manifest=Markup(copied),  # noqa: S704 - JSON without <
        fingerprint=data.manifest.fingerprint,
        seal=OPEN_SEAL,
        style=Markup(style),  # noqa: S704 - our own file
    )


@cache
def _template() -> Template:
    environment = template_environment("mining_the_mines.evidence")
    environment.filters |= {"short": _short, "tail": _tail}
    environment.globals["figure_with_interval"] = figure_with_interval
    return environment.get_template("sheet.html.jinja")


@styled
def hectares_figure(looks: SiteLooks) -> Figure:
    """Draw the hectares of a site by period.

    Args:
        looks: Of the site.

    Returns:
        A bar a period; a period in which the ground was not seen has a hatched field, and the look before the onset
        a bar of nothing.
    """
    history = looks.history
    names, areas = history["period"].tolist(), history["hectares"].to_numpy(dtype=np.float64)
    if looks.maps[0].period.name != names[0]:
        names, areas = [looks.maps[0].period.name, *names], np.concatenate([[0.0], areas])
    figure, axes = new_axes(3.6, 2.1)
    axes.grid(visible=False, axis="x")
    top = max(float(np.nanmax(areas, initial=0.0)), 0.1)
    places, hidden = np.arange(len(names)), np.isnan(areas)
    axes.bar(places[~hidden], areas[~hidden], color=BLUE, edgecolor=INK, linewidth=0.6, width=0.7)
    if hidden.any():
        axes.bar(places[hidden], top, color="none", edgecolor=MUTED, hatch="////", linewidth=0, width=0.7)
    if len(names) <= _LABELLED:
        for place, area in zip(places[~hidden], areas[~hidden], strict=True):
            axes.annotate(decimal(float(area), 1), (float(place), float(area)), (0, 2), textcoords="offset points",
                          ha="center", fontsize=7.5, color=INK)  # fmt: skip
    titles = [_short(name, _LETTERS) for name in names]
    step = -(-len(titles) * (max(map(len, titles)) + 2) // _AXIS)
    axes.set_xticks(places[::step], titles[::step])
    axes.tick_params(labelsize=7.5)
    axes.set_ylim(0, top * 1.15)
    axes.set_ylabel("hectares", fontsize=8)
    return figure


def _short(text: str, letters: int) -> str:
    """The beginning of a text."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _tail(text: str, letters: int) -> str:
    """The end of a path."""
    return text if len(text) <= letters else f"…{text[1 - letters :]}"


def _look(found: Look) -> dict[str, Any]:
    days = found.map.record.scene.dates
    span = period(days[0], days[-1]) if days else period(found.period.start, found.period.end)
    return {"period": found.period.name, "span": span, "days": list_days(days), "number": len(days)}


def _history_rows(history: gpd.GeoDataFrame) -> list[tuple[str, ...]]:
    """The first rows and the last ones, as many as the page holds."""
    kept = history
    if len(history) > _PERIODS:
        kept = history.iloc[[0, *range(len(history) - _PERIODS + 1, len(history))]]
    return [
        (
            _short(str(row["period"]), _LETTERS),
            MISSING if pd.isna(row["first_date"]) else f"{row['first_date']:%Y-%m-%d}",
            MISSING if pd.isna(row["last_date"]) else f"{row['last_date']:%Y-%m-%d}",
            STATUS_TITLES[str(row["status"])],
            hectares(row["hectares"]),
            hectares(row["change_hectares"], signed=True),
            decimal(row["probability"], 2),
            percent(row["clear_share"]),
        )
        for _, row in kept.iterrows()
    ]


def _layer(title: str, areas: pd.DataFrame | None) -> dict[str, Any]:
    rows = [] if areas is None else areas.head(_UNITS).to_dict("records")
    return {
        "title": title,
        "given": areas is not None,
        "rows": rows,
        "more": 0 if areas is None else len(areas) - len(rows),
    }


def _card(package: StoredPackage) -> dict[str, Any]:
    """The scores of a model with most weight: those on test chips, else out of fold."""
    splits = {figure.split for figure in package.facts.scores}
    split = "test" if "test" in splits else "out-of-fold"
    found = {figure.metric: figure for figure in package.facts.scores if figure.split == split}
    rows = [
        (title_of(metric), *(np.nan if end is None else end for end in (figure.value, figure.low, figure.high)))
        for metric in HEADLINES[package.description.task]
        if (figure := found.get(metric)) is not None
    ]
    return {
        "architecture": package.description.architecture,
        "bands": package.description.bands,
        "threshold": package.description.threshold,
        "chips": package.facts.training_chips,
        "data_hash": package.facts.data_hash,
        "tested": split == "test",
        "scores": rows,
        "caveats": _CAVEAT.findall(package.card),
    }
