"""``kedro review``: people judge places of a map."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mining_the_mines.core.errors import BadInputError

if TYPE_CHECKING:
    from mining_the_mines.datasets.review import ReviewAnswersDataset
    from mining_the_mines.review.answer_log import AnswerLog
    from mining_the_mines.review.images import ReviewImage
    from mining_the_mines.review.places import Place
    from mining_the_mines.review.session import ReviewSession


@click.command()
@click.option("--env", "-e", default=None, help="Environment of the configuration.")
@click.option("--sites", is_flag=True, help="Review the mapped sites instead of the places of the sample.")
@click.option(
    "--next",
    "ranking",
    type=click.Choice(["uncertain", "disagreement", "novel", "random"]),
    help="Review cells of the maps instead of the sample: those that the model is least sure of, on which its "
    "networks differ most, that are most unlike its training, or random ones.",
)
@click.option("--places", "number", default=100, show_default=True, type=click.IntRange(1), help="Cells of --next.")
@click.option("--port", default=8321, show_default=True, type=click.IntRange(0, 65_535), help="Port of the page.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--static",
    "static_file",
    type=click.Path(path_type=Path),
    help="Write the page as one HTML file instead of serving it.",
)
@click.option(
    "--import",
    "import_file",
    help="Read answers from a file of the static page, a CSV, an export of Collect Earth Online or a vector file.",
)
@click.option("--reviewer", default=None, help="Reviewer of the imported answers, where the file names none.")
def review(  # noqa: PLR0913, PLR0917 - one argument an option
    env: str | None,
    sites: bool,
    ranking: str | None,
    number: int,
    port: int,
    opens: bool,
    static_file: Path | None,
    import_file: str | None,
    reviewer: str | None,
) -> None:
    """Judge places of a map in the browser: mine, no mine, or can't tell.

    The page is served to this machine alone. Answers are stored one by one, and a review goes on where it was left.
    """
    from kedro.io import DataCatalog

    from mining_the_mines.ledger.project_catalog import config_loader

    catalog = DataCatalog.from_config(config_loader(Path.cwd(), env)["catalog"])
    if sites and ranking:
        raise click.UsageError("--sites and --next name different places: leave one of them out.")
    if import_file is not None:
        _import(catalog, Path(import_file), reviewer, sites=sites)
        return
    places = _places(catalog, sites=sites) if ranking is None else _ranked(catalog, ranking, number)
    session = open_review(catalog, places)
    if static_file is not None:
        from mining_the_mines.core.progress_bars import progress_bar
        from mining_the_mines.review.static_page import write_static_page

        write_static_page(session, static_file, progress_bar)
        click.echo(f"{static_file} holds {len(session)} places. Import the answers that it saves with --import.")
        return
    _serve(session, port, opens=opens)


def _serve(session: "ReviewSession", port: int, *, opens: bool) -> None:
    from mining_the_mines.review.server import ADDRESS, make_server, open_socket

    listening = open_socket(port)
    address = f"http://{ADDRESS}:{listening.getsockname()[1]}"
    click.echo(f"{len(session)} places wait for review at {address} (Ctrl+C ends it).")
    if opens:
        click.launch(address)
    make_server(session, listening).run(sockets=[listening])


def _import(catalog: Any, path: Path, reviewer: str | None, *, sites: bool) -> None:  # noqa: ANN401 - Kedro's catalog
    """Add the answers of a file to the file of answers."""
    from mining_the_mines.review.answer_table import Answered
    from mining_the_mines.review.imports import read_answers

    log = _log(catalog)
    held = {entry.answer_id for entry in log.entries() if isinstance(entry, Answered)}
    known = "monitored_sites" if sites else "sample"
    places = _places(catalog, sites=sites) if _load(catalog, known) is not None else []
    read = read_answers(path, places, reviewer)
    new = [answer for answer in read.answers if answer.answer_id not in held]
    if new:
        log.append(new)
    people = sorted({answer.reviewer for answer in new})
    told = [f"{len(new)} answers of {', '.join(people)} are imported from {path}." if new else f"{path} is not new."]
    if len(new) < len(read.answers):
        told.append(f"{len(read.answers) - len(new)} were imported before.")
    if read.empty:
        told.append(f"{read.empty} rows hold no answer and are left out.")
    if read.strangers:
        told.append(
            f"{len(read.strangers)} are for places that are not under review, such as {read.strangers[0]}: they are "
            "kept, and estimates of area leave them out."
        )
    click.echo(" ".join(told))


def open_review(catalog: Any, places: "list[Place]") -> "ReviewSession":  # noqa: ANN401 - Kedro's catalog
    """Open the images and answers of a project.

    Args:
        catalog: Its catalog.
        places: Places to judge.

    Raises:
        BadInputError: There is no image yet, or none shows a place.
    """
    from mining_the_mines.review.pictures import PictureCache
    from mining_the_mines.review.session import ReviewSession

    images = _images(catalog)
    log = _log(catalog)
    log.entries()  # a damaged file is refused before anybody answers
    return ReviewSession(places, images, log, PictureCache(catalog.load("review_pictures")))


def _log(catalog: Any) -> "AnswerLog":  # noqa: ANN401 - Kedro's catalog
    from mining_the_mines.review.answer_log import AnswerLog

    answers: ReviewAnswersDataset = catalog["review_answers"]
    return AnswerLog(answers.path.absolute())


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


def _ranked(catalog: Any, ranking: str, number: int) -> "list[Place]":  # noqa: ANN401 - Kedro's catalog
    """Cells of the newest maps."""
    from mining_the_mines.review.next_places import Ranking, rank_places

    maps = _load(catalog, "scene_maps")
    seen = [result for result in _load(catalog, "monitored_maps") or () if result.result is not None]
    found = [("", each) for each in (maps.maps if maps is not None else ())]
    found += [(result.period.name, each) for result in seen[-1:] for each in result.result.maps]
    return rank_places(found, Ranking(ranking), number)


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
    here = list({image.path.resolve(): image for image in reversed(images) if image.path.is_file()}.values())[::-1]
    if not here:
        raise BadInputError(
            "There are no maps and no composites to show yet: run kedro run, or kedro run --pipelines=monitoring, "
            "first."
        )
    return here


def _load(catalog: Any, name: str) -> Any:  # noqa: ANN401 - Kedro's catalog, any data
    """A dataset; ``None`` if the catalog has none of that name, or it was not made yet."""
    return catalog.load(name) if name in catalog and catalog.exists(name) else None
