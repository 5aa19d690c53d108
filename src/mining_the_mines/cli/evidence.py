"""``kedro evidence``: a sheet about a site to hand over, and whether one was changed since."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mining_the_mines.core.errors import BadInputError

if TYPE_CHECKING:
    from mining_the_mines.evidence.sheet import Basis
    from mining_the_mines.evidence.verification import Verification

_NO_SERIES: Final = "There is no series yet that knows sites: run kedro run --pipelines=monitoring first."


@click.command("evidence")
@click.argument("sites", nargs=-1, metavar="[SITE]...")
@click.option("--verify", "file", metavar="FILE", help="Compare a sheet, its archive or its manifest with the files.")
@click.option(
    "--enclosed-only", is_flag=True, help="Verify only what was handed over, not the large files that it names."
)
@click.option("--folder", metavar="FOLDER", help="Folder of the sheets; by default 08_reporting/evidence of the data.")
@click.option("--env", "-e", default=None, help="Environment of the configuration.")
def evidence(
    sites: tuple[str, ...], file: str | None, enclosed_only: bool, folder: str | None, env: str | None
) -> None:
    """Write a sheet about each SITE: pictures before and after, dates, hectares, place, model, and hashes of all files.

    A sheet is one HTML page of two sides, and beside it a ZIP with outlines, tables, pictures and the manifest. With
    --verify, exits with 1 if a file was changed, added or is missing.
    """
    if (file is None) == (not sites):
        raise click.UsageError(
            "Name sites, or a file after --verify: kedro evidence SITE, kedro evidence --verify FILE."
        )
    if file is not None:
        from mining_the_mines.evidence.verification import verify

        found = verify(Path(file), Path.cwd(), enclosed_only=enclosed_only)
        _report(found, enclosed_only=enclosed_only)
        sys.exit(0 if found.intact else 1)
    from mining_the_mines.evidence.sheet import make_sheet, write_sheet

    basis, usual = _collect(Path.cwd(), env)
    place = usual if folder is None else Path(folder).absolute()
    for sheet in [make_sheet(site, basis) for site in sites]:
        page, archive = write_sheet(sheet, place)
        click.echo(f"{sheet.site}: {page} and {archive.name}")


def _collect(project: Path, env: str | None) -> tuple["Basis", Path]:
    """Load what sheets are made from, and the folder that they belong into, from the catalog of a project."""
    from kedro.io import DataCatalog

    from mining_the_mines.ledger.project_catalog import config_loader
    from mining_the_mines.pipelines.evidence.nodes import collect_basis
    from mining_the_mines.pipelines.evidence.pipeline import SOURCES

    loader = config_loader(project, env)
    before = logging.root.manager.disable
    logging.disable(logging.INFO)  # Kedro says what it loads
    try:
        catalog = DataCatalog.from_config(loader["catalog"])
        if not catalog.exists(SOURCES[0]):
            raise BadInputError(_NO_SERIES)
        return collect_basis(*(catalog.load(name) for name in SOURCES)), catalog.load("evidence_folder")
    finally:
        logging.disable(before)


def _report(found: "Verification", *, enclosed_only: bool) -> None:
    from mining_the_mines.core.redaction import redact

    for file in found.files:
        click.echo(f"{file.verdict:<8} {redact(file.name)}")
    intact = sum(file.verdict == "intact" for file in found.files)
    click.echo(
        f"{'INTACT' if found.intact else 'NOT INTACT'}: site {found.site}, {intact} of {len(found.files)} files are as "
        f"they were when the sheet was made{'; large files were not looked for' if enclosed_only else ''}.\n"
        f"Fingerprint of its files, as printed on the sheet: {found.fingerprint}\n"
        f"SHA-256 of the file itself: {found.sha256}\n"
        "A hash shows that something was changed, not who made it: compare these numbers with those that you were "
        "given by another way, or check a signature."
    )
    if not enclosed_only and any(file.verdict == "missing" and not file.enclosed for file in found.files):
        click.echo(
            "Files that are missing here may lie in the project that made the sheet: type this there, or leave them "
            "out with --enclosed-only."
        )
