"""``kedro compare``: differences between runs, and whether the differences of their scores are real."""

import json
from pathlib import Path

import click

from mining_the_mines.core.errors import BadInputError


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option("--out-of-fold", is_flag=True, help="Show the tables of out-of-fold chips too, not of test chips only.")
@click.option("--resamples", type=click.IntRange(min=20), default=1000, show_default=True, help="Of the bootstrap.")
@click.option("--env", "-e", default=None, help="Environment of the configuration.")
def compare(runs: tuple[str, ...], as_json: bool, out_of_fold: bool, resamples: int, env: str | None) -> None:
    """Compare runs with the first one named: what differs, and whether a difference of their scores is real.

    RUN is the id of a run in MLflow, the first digits of it, its name, or LAST for the newest finished one (LAST~1 for
    the one before).
    """
    from mining_the_mines.cli.comparison_tables import as_plain, show
    from mining_the_mines.cli.run_store import project_store
    from mining_the_mines.cli.scored_runs import read_scored_run
    from mining_the_mines.scoring.bootstrap import BootstrapSettings
    from mining_the_mines.scoring.run_comparison import compare_runs
    from mining_the_mines.tracking.runs import find_run

    store = project_store(Path.cwd(), env)
    found = [find_run(wanted, store) for wanted in runs]
    if len(found) < 2 or len({run.id for run in found}) < len(found):
        raise BadInputError(
            f"Two different runs or more can be compared, and {', '.join(runs)} names "
            f"{'one' if len({run.id for run in found}) == 1 else 'one of them twice'}: kedro compare LAST~1 LAST."
        )
    settings = BootstrapSettings(resamples=resamples)
    comparison = compare_runs([read_scored_run(run) for run in found], settings)
    if as_json:
        click.echo(json.dumps(as_plain(comparison), indent=2))
        return
    click.echo("\n".join(f"{run.short}  {run.name}, {run.started:%Y-%m-%d %H:%M} UTC" for run in found))
    show(comparison, out_of_fold=out_of_fold)
