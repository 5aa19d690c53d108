"""``kedro send-unsent``: send the records of runs whose tracking server did not answer."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from mining_the_mines.tracking.unsent import Sending

#: Where versions before 2026-12 kept what they could not send, in another form.
_FORMER: Final = "data/mlflow/unsent"


@click.command("send-unsent")
@click.option("--env", "-e", default=None, help="Environment of the configuration.")
def send_unsent(env: str | None) -> None:
    """Send what runs could not log to their tracking server, because it did not answer or they were killed."""
    from mining_the_mines.cli.run_store import project_store, unsent_folder
    from mining_the_mines.tracking.unsent import send_unsent as send

    project = Path.cwd()
    sendings = list(send(unsent_folder(project, env), project_store(project, env)))
    for sending in sendings:
        click.echo(_sentence(sending))
    former = sorted((project / _FORMER).glob("*/destination.json"))
    for place in former:
        click.echo(
            f"{place.parent} holds a journal of an earlier version of this project: send it with that version, or "
            "delete the folder."
        )
    if not (sendings or former):
        click.echo("Nothing is unsent.")
    if former or any(sending.outcome != "sent" for sending in sendings):
        raise SystemExit(1)


def _sentence(sending: "Sending") -> str:
    match sending.outcome:
        case "sent" if sending.reason:
            return f"{sending.folder.name}: sent to {sending.store}, which refused a part ({sending.reason})."
        case "sent":
            return f"{sending.folder.name}: sent to {sending.store}."
        case "unanswered":
            return f"{sending.folder} stays: {sending.store} does not answer ({sending.reason})."
        case "elsewhere":
            return f"{sending.folder} stays: set MLFLOW_TRACKING_URI to {sending.store} and type this again."
        case "unreadable":
            return f"{sending.folder} can't be read ({sending.reason}): repair it, or delete it."
