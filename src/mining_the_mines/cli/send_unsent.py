"""``kedro send-unsent``: what runs could not tell their tracking server, sent now."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mining_the_mines.tracking.unsent import Sending


@click.command("send-unsent")
@click.option("--env", "-e", default=None, help="Environment of the configuration.")
def send_unsent(env: str | None) -> None:
    """Send what runs could not tell their tracking server, because it did not answer or they were killed."""
    from mlflow import MlflowClient

    from mining_the_mines.cli.run_store import project_store
    from mining_the_mines.tracking.addresses import UNSENT
    from mining_the_mines.tracking.settings import TrackingSettings, set_time_limits
    from mining_the_mines.tracking.unsent import send_unsent as send

    set_time_limits(TrackingSettings())
    store = project_store(Path.cwd(), env)
    sendings = list(send(Path.cwd() / UNSENT, store.address, MlflowClient(store.address)))
    for sending in sendings:
        click.echo(_sentence(sending))
    if not sendings:
        click.echo("Nothing is unsent.")
    if any(sending.outcome != "sent" for sending in sendings):
        raise SystemExit(1)


def _sentence(sending: "Sending") -> str:
    run, address = f"Run {sending.destination.run_id}", sending.destination.address
    match sending.outcome:
        case "sent":
            return f"{run}: sent to {address}."
        case "unanswered":
            return f"{run}: {address} does not answer ({sending.why}); its journal stays in {sending.folder}."
        case "elsewhere":
            return f"{run} is for {address}: set MLFLOW_TRACKING_URI to it and type this again."
        case "stuck":
            return f"{run}: what {sending.folder} holds stays unsent ({sending.why}); mend that and type this again."
        case "refused":
            return (
                f"{run}: {address} refuses what is in {sending.folder / 'refused.jsonl'} ({sending.why}); all else "
                f"has been sent, so remove the folder when you have read it."
            )
