"""The report as one HTML file that opens offline."""

import math
import re
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mining_the_mines.reporting import figures, formatting
from mining_the_mines.reporting.classification_part import arrange_classification
from mining_the_mines.reporting.composite_part import OFFSET_SINCE, arrange_composites
from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.map_part import arrange_maps
from mining_the_mines.reporting.report_data import ReportData
from mining_the_mines.reporting.segmentation_part import arrange_segmentation
from mining_the_mines.reporting.summaries import FEW_PLACES
from mining_the_mines.reporting.tables import fold_table, manifest_table, plain_table, rejection_tables

_PACKAGE: Final = "mining_the_mines.reporting"
#: The element with the facts that differ between equal runs, such as the time.
_RUN_FACTS: Final = re.compile(r"<article data-run-facts>.*?</article>", re.DOTALL)
#: Functions that the templates use as filters.
_FILTERS: Final = (
    formatting.count, formatting.day, formatting.decimal, formatting.hectares, formatting.percent, formatting.share,
    formatting.sight, formatting.signed_percent, formatting.span,
)  # fmt: skip
_BAND_COLUMNS: Final = frozenset({"band", "p2", "p25", "p50", "p75", "p98"})


def template_environment() -> Environment:
    """Make the environment of all templates of the package."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
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
