"""``kedro lineage``: where a result comes from."""

import json
from pathlib import Path
from typing import Final

import click

#: Columns of output to a file or another program.
_WIDTH: Final = 100


@click.command()
@click.argument("what")
@click.option("--json", "as_values", is_flag=True, help="Print JSON with all details.")
@click.option("--depth", type=click.IntRange(min=0), help="Number of steps back to show; by default all.")
def lineage(what: str, as_values: bool, depth: int | None) -> None:
    """Show the images, model, code and raw data behind WHAT, step by step.

    WHAT is a dataset, DATASET:VERSION, DATASET:HASH with the first digits of a content hash, the attribute lineage_id
    of a polygon on a map, or the path of a file below data/.
    """
    from rich.console import Console

    from mining_the_mines.core.hashing import ContentHashes
    from mining_the_mines.ledger.lineage import trace
    from mining_the_mines.ledger.lineage_answer import answer
    from mining_the_mines.ledger.lineage_subject import find_subject
    from mining_the_mines.ledger.lineage_text import describe, draw
    from mining_the_mines.ledger.project_catalog import ProjectCatalog
    from mining_the_mines.ledger.recorder import MEMORY
    from mining_the_mines.ledger.records import Ledger

    project = Path.cwd()
    ledger = Ledger.of_project(project)
    subject = find_subject(what, ledger, project)
    hashes = ContentHashes(ledger.folder / MEMORY)
    catalog = ProjectCatalog(project, ledger, hashes)
    found = trace(subject, ledger, catalog)
    answered = answer(found, project, hashes, catalog, depth)
    hashes.remember()
    if as_values:
        click.echo(json.dumps(answered, indent=1))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    click.echo(f"{describe(found, answered)}\n")
    console.print(draw(found, depth))
