"""``kedro review``: people judge places of a map."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mining_the_mines.core.errors import BadInputError

if TYPE_CHECKING:
    from mining_the_mines.review.images import ReviewImage
    from mining_the_mines.review.places import Place
    from mining_the_mines.review.session import ReviewSession

logger = logging.getLogger(__name__)


@click.command()
@click.option("--env", "-e", default=None, help="Environment of the configuration.")
@click.option("--sites", is_flag=True, help="Review the mapped sites instead of the places of the sample.")
@click.option("--port", default=8321, show_default=True, type=click.IntRange(0, 65_535), help="Port of the page.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def review(env: str | None, sites: bool, port: int, opens: bool) -> None:
    """Judge places of a map in the browser: mine, no mine, or can't tell.

    The page is served to this machine alone. Answers are stored one by one, and a review goes on where it was left.
    """
    from mining_the_mines.review.server import ADDRESS, make_server, open_socket

    session = open_review(Path.cwd(), env, sites=sites)
    listening = open_socket(port)
    address = f"http://{ADDRESS}:{listening.getsockname()[1]}"
    click.echo(f"{len(session)} places wait for review at {address} (Ctrl+C ends it).")
    if opens:
        click.launch(address)
    make_server(session, listening).run(sockets=[listening])


def open_review(project: Path, env: str | None, *, sites: bool) -> "ReviewSession":
    """Open the places, images and answers of a project.

    Args:
        project: Its folder, the current one.
        env: Environment of the configuration; Kedro's default by default.
        sites: True to review sites instead of the sample.

    Raises:
        BadInputError: There is no sample, no table of sites or no image yet.
    """
    from kedro.io import DataCatalog

    from mining_the_mines.datasets.review import ReviewAnswersDataset
    from mining_the_mines.ledger.project_catalog import config_loader
    from mining_the_mines.review.answer_log import AnswerLog
    from mining_the_mines.review.pictures import PictureCache
    from mining_the_mines.review.session import ReviewSession

    catalog = DataCatalog.from_config(config_loader(project, env)["catalog"])
    places = _places(catalog, sites=sites)
    images = _images(catalog)
    answers = catalog["review_answers"]
    assert isinstance(answers, ReviewAnswersDataset)  # noqa: S101 - of the project's own catalog
    log = AnswerLog((project / answers.path).resolve())
    log.entries()  # a damaged file is refused before anybody answers
    return ReviewSession(places, images, log, PictureCache(catalog.load("review_pictures")))


def _places(catalog: Any, *, sites: bool) -> "list[Place]":  # noqa: ANN401 - Kedro's catalog
    from mining_the_mines.review.places import places_of_sample, places_of_sites

    if sites:
        table = _load(catalog, "monitored_sites")
        if table is None:
            raise BadInputError("There is no table of sites yet: run kedro run --pipelines=monitoring first.")
        return places_of_sites(table)
    sample = _load(catalog, "sample")
    if sample is None:
        raise BadInputError(
            "There is no sample of places yet: draw one with kedro run --pipelines=sampling, or review the mapped "
            "sites with kedro review --sites."
        )
    return places_of_sample(sample)


def _images(catalog: Any) -> "list[ReviewImage]":  # noqa: ANN401 - Kedro's catalog
    """Images of maps by period, of the other maps, and composites; each raster once."""
    from mining_the_mines.review.images import image_of_composite, image_of_map

    images = [
        image_of_map(found, result.period.name)
        for result in _load(catalog, "monitored_maps") or ()
        if result.result is not None
        for found in result.result.maps
    ]
    maps = _load(catalog, "scene_maps")
    images += [image_of_map(found) for found in (maps.maps if maps is not None else ())]
    images += [image_of_composite(composite) for composite in _load(catalog, "composites") or ()]
    here = list({image.path: image for image in reversed(images) if image.path.is_file()}.values())[::-1]
    if not here:
        raise BadInputError(
            "There are no maps and no composites to show yet: run kedro run, or kedro run --pipelines=monitoring, "
            "first."
        )
    return here


def _load(catalog: Any, name: str) -> Any:  # noqa: ANN401 - Kedro's catalog, any data
    """A dataset; ``None`` if the catalog has none of that name, or it was not made yet."""
    return catalog.load(name) if name in catalog and catalog.exists(name) else None
