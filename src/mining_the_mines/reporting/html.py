"""The report as one HTML file that opens offline."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from mining_the_mines.reporting.contents import ReportContents


def render_report(contents: ReportContents) -> str:
    """Render the report.

    Args:
        contents: What it shows.

    Returns:
        A whole HTML document with its style and pictures inside; it fetches nothing.
    """
    environment = Environment(
        loader=PackageLoader("mining_the_mines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(contents=contents)
