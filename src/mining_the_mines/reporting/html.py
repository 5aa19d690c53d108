"""The report as one HTML file that opens offline."""

import re
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mining_the_mines.reporting import figures
from mining_the_mines.reporting.classification_part import arrange_classification
from mining_the_mines.reporting.classification_summary import Answer
from mining_the_mines.reporting.comparison_part import arrange_comparison
from mining_the_mines.reporting.composite_part import arrange_composites
from mining_the_mines.reporting.drawing import captioned
from mining_the_mines.reporting.map_part import arrange_maps
from mining_the_mines.reporting.report_data import Picture, ReportData, ReportSection
from mining_the_mines.reporting.segmentation_part import arrange_segmentation
from mining_the_mines.reporting.tables import fold_rows, manifest_rows, plain_table, rejection_rows

_PACKAGE = "mining_the_mines.reporting"
#: The element of what differs from run to run, such as the time.
_RUN_FACTS: Final = re.compile(r"<article data-run-facts>.*?</article>", re.DOTALL)


def render_report(contents: ReportData) -> str:
    """Render the report.

    Args:
        contents: What it shows; parts that are missing are left out.

    Returns:
        A whole HTML document with its style and pictures inside: it has no script and fetches
        nothing, so that it can be sent by mail and opened anywhere.

    Raises:
        ValueError: If it holds neither detection nor outlines nor maps.
    """
    level = contents.interval_level
    detection = None if contents.detection is None else arrange_classification(contents.detection, level)
    outlines = None if contents.outlines is None else arrange_segmentation(contents.outlines, level)
    maps = None if contents.maps is None else arrange_maps(contents.maps)
    answers = [part.answer for part in (detection, outlines) if part is not None]
    if not answers and maps is None:
        raise ValueError(
            "A report needs the scores of a classifier or of outlines, or maps: run the pipeline evaluation or mapping "
            "first."
        )
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files(_PACKAGE).joinpath("templates/report.css").read_text("utf-8")
    return environment.get_template("report.html.jinja").render(
        contents=contents,
        style=Markup(style),  # noqa: S704 - our own file
        detection=detection,
        outlines=outlines,
        maps=maps,
        comparison=None if contents.comparison is None else arrange_comparison(contents.comparison),
        composites=None if contents.composites is None else arrange_composites(contents.composites),
        answers=answers,
        caveats=_caveats(answers, contents.caveats),
        sections=[_section(section) for section in contents.sections],
        data=_data(contents),
    )


def without_run_facts(page: str) -> str:
    """Leave out of a report what differs from run to run though all figures are the same: time, run, commit, versions.

    Args:
        page: As :func:`render_report` gave it.
    """
    return _RUN_FACTS.sub("", page)


def _caveats(answers: list[Answer], further: tuple[str, ...]) -> tuple[str, ...]:
    """Say once what limits detection and outlines alike."""
    return tuple(dict.fromkeys([*(caveat for answer in answers for caveat in answer.caveats), *further]))


def _section(section: ReportSection) -> dict[str, object]:
    return {
        "title": section.title,
        "text": section.text,
        "pictures": [
            Picture(Markup(picture.markup), picture.caption)  # noqa: S704 - trusted by contract
            for picture in section.pictures
        ],
        "tables": [plain_table(frame, caption) for caption, frame in section.tables.items()],
    }


def _data(contents: ReportData) -> dict[str, object]:
    statistics = contents.band_statistics
    needed = {"band", "p2", "p25", "p50", "p75", "p98"}
    band_picture = None
    if statistics is not None and needed <= set(statistics.columns) and len(statistics):
        band_picture = captioned(
            figures.band_figure(statistics),
            "bands",
            "Reflectance of training chips by band.",
            "Reflectance by band: the box holds the middle half of the pixels, the mark is the "
            "median, the line reaches from the 2nd to the 98th percentile.",
        )
    return {
        "manifest": None if contents.manifest is None else manifest_rows(contents.manifest),
        "rejections": None if contents.manifest is None else rejection_rows(contents.manifest),
        "folds": None if contents.folds is None else fold_rows(contents.folds),
        "bands": band_picture,
        "band_table": None if statistics is None else plain_table(statistics, "Band statistics of the training chips"),
    }
