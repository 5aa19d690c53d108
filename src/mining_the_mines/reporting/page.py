"""The report as one HTML file that opens offline."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mining_the_mines.reporting import figures, formatting
from mining_the_mines.reporting.area_part import AreaData, arrange_areas
from mining_the_mines.reporting.classification_part import ClassificationData, arrange_classification
from mining_the_mines.reporting.composite_part import OFFSET_SINCE, CompositeData, arrange_composites
from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.map_part import MapData, arrange_maps
from mining_the_mines.reporting.segmentation_part import SegmentationData, arrange_segmentation
from mining_the_mines.reporting.site_part import SiteData, arrange_sites
from mining_the_mines.reporting.tables import fold_table, manifest_table, plain_table, rejection_tables
from mining_the_mines.scoring.bootstrap import FEW_PLACES

_PACKAGE: Final = "mining_the_mines.reporting"
#: The element with the facts that differ between equal runs, such as the time.
_RUN_FACTS: Final = re.compile(r"<article data-run-facts>.*?</article>", re.DOTALL)
#: Functions that the templates use as filters.
_FILTERS: Final = (
    formatting.count, formatting.day, formatting.decimal, formatting.hectares, formatting.percent, formatting.share,
    formatting.sight, formatting.signed_percent, formatting.span,
)  # fmt: skip
_BAND_COLUMNS: Final = frozenset({"band", "p2", "p25", "p50", "p75", "p98"})


@dataclass(frozen=True)
class ReportData:
    """The data of a report; missing or empty parts are left out of the page.

    Attributes:
        title: Heading of the report.
        classification: Of the chip classifiers.
        segmentation: Of the segmenter.
        composites: Of the composites, if chips were cut from any.
        maps: Of whole scenes.
        areas: Areas that a judged sample proves.
        sites: Scores of new sites, and alerts.
        manifest: One row per chip found: ``filename``, ``verdict`` (accepted or rejected),
            ``reason``; ``width``, ``height``, ``bands``, ``dtype``, ``crs`` where known.
        folds: One row an accepted chip: ``filename``, ``label``, ``place``, ``split``, ``fold``.
        band_statistics: ``band``, ``mean``, ``std`` and percentiles ``p2``, ``p25``, ``p50``,
            ``p75``, ``p98`` of reflectance; further columns are only listed.
        interval_level: Share of intervals that should cover the truth.
        run_facts: Git commit, dirty flag, data hash, versions, run id; by name.
        parameters: Flattened parameters, by dotted name.
        caveats: Sentences that a reader must know before believing the figures.
        tables: Further tables by name, which is their caption; shown with the data unless a template places them.
    """

    title: str
    classification: ClassificationData | None = None
    segmentation: SegmentationData | None = None
    composites: CompositeData | None = None
    maps: MapData | None = None
    areas: AreaData | None = None
    sites: SiteData | None = None
    manifest: pd.DataFrame | None = None
    folds: pd.DataFrame | None = None
    band_statistics: pd.DataFrame | None = None
    interval_level: float = 0.95
    run_facts: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def template_environment(package: str = _PACKAGE) -> Environment:
    """Make the environment of all templates of a package."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {function.__name__: function for function in _FILTERS}
    environment.globals |= {"FEW_PLACES": FEW_PLACES, "OFFSET_SINCE": OFFSET_SINCE}
    environment.globals["signed_percent"] = formatting.signed_percent
    environment.tests["nan"] = math.isnan
    return environment


def render_report(data: ReportData) -> str:
    """Render the report.

    Args:
        data: Missing parts are left out.

    Returns:
        A whole HTML document with its style and pictures inside. It has no script and fetches nothing.

    Raises:
        ValueError: If it has neither scores nor maps.
    """
    if data.classification is None and data.segmentation is None and data.maps is None:
        raise ValueError(
            "A report needs the scores of classifiers or of a segmenter, or maps: run the pipeline evaluation or "
            "mapping first."
        )
    statistics = data.band_statistics
    bands = None
    if statistics is not None and set(statistics.columns) >= _BAND_COLUMNS and len(statistics):
        bands = to_svg(figures.band_figure(statistics), "bands")
    style = resources.files(_PACKAGE).joinpath("templates/report.css").read_text("utf-8")
    return (
        template_environment()
        .get_template("report.html.jinja")
        .render(
            report=data,
            level=data.interval_level,
            style=Markup(style),  # noqa: S704 - our own file
            classification=data.classification and arrange_classification(data.classification),
            segmentation=data.segmentation and arrange_segmentation(data.segmentation),
            maps=data.maps and arrange_maps(data.maps),
            areas=data.areas and arrange_areas(data.areas),
            sites=data.sites and arrange_sites(data.sites),
            composites=data.composites and arrange_composites(data.composites),
            manifest=None if data.manifest is None else manifest_table(data.manifest),
            rejections=None if data.manifest is None else rejection_tables(data.manifest),
            folds=None if data.folds is None else fold_table(data.folds),
            tables={
                name: plain_table(frame, name.replace("_", " ").capitalize()) for name, frame in data.tables.items()
            },
            bands=bands,
            band_table=None if statistics is None else plain_table(statistics, "Band statistics of the training chips"),
        )
    )


def without_run_facts(page: str) -> str:
    """Remove from a report the facts that differ between equal runs: time, run, commit, versions.

    Args:
        page: From :func:`render_report`.
    """
    return _RUN_FACTS.sub("", page)
