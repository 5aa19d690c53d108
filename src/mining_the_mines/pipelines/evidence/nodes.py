"""Nodes of evidence sheets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from mining_the_mines.core.hashing import hash_bytes
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.evidence.looks import list_looks
from mining_the_mines.evidence.sheet import CONCESSIONS, PROTECTED, Basis, make_sheet, write_sheet
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.registry.package import find_packages

#: Columns of the list of sheets.
_COLUMNS: Final = (
    "site_id",
    "region",
    "status",
    "confirmation",
    "hectares",
    "sheet",
    "sha256",
    "archive",
    "archive_sha256",
)


def collect_basis(
    sites: gpd.GeoDataFrame,
    maps: Sequence[PeriodResult[SceneMaps]],
    concessions: NamedAreas | None,
    protected: NamedAreas | None,
    models: Path,
    answers: pd.DataFrame,
    estimates: pd.DataFrame | None,
) -> Basis:
    """Collect everything that evidence sheets are made from.

    Args:
        sites: Table of sites.
        maps: Maps by period.
        concessions: Areas where mining is allowed; ``None`` if no layer was given.
        protected: Protected areas; ``None`` if no layer was given.
        models: Folder of models and their packages.
        answers: Answers of reviewers.
        estimates: Estimated areas; ``None`` if there are none yet.
    """
    areas = {CONCESSIONS: concessions, PROTECTED: protected}
    return Basis(sites, list_looks(maps), areas, find_packages(models), answers, estimates)


def write_sheets(  # noqa: PLR0913, PLR0917 - one argument an input
    sites: gpd.GeoDataFrame,
    maps: Sequence[PeriodResult[SceneMaps]],
    concessions: NamedAreas | None,
    protected: NamedAreas | None,
    models: Path,
    answers: pd.DataFrame,
    estimates: pd.DataFrame | None,
    folder: Path,
) -> pd.DataFrame:
    """Write the sheets of all sites.

    Args:
        sites: Table of sites.
        maps: Maps by period.
        concessions: Areas where mining is allowed; ``None`` if no layer was given.
        protected: Protected areas; ``None`` if no layer was given.
        models: Folder of models and their packages.
        answers: Answers of reviewers.
        estimates: Estimated areas; ``None`` if there are none yet.
        folder: Folder of the sheets; those of other sites in it stay.

    Returns:
        One row per site: its last status, and names and hashes of its sheet and archive.

    Raises:
        BadInputError: A file that a site stands on is gone or has changed since.
    """
    basis = collect_basis(sites, maps, concessions, protected, models, answers, estimates)
    last = sites.drop_duplicates("site_id", keep="last")
    rows = []
    for row in progress_bar(last.to_dict("records"), "Evidence sheets"):
        sheet = make_sheet(str(row["site_id"]), basis)
        page, archive = write_sheet(sheet, folder)
        state = (row[name] for name in _COLUMNS[:5])
        rows.append((*state, page.name, hash_bytes(sheet.page), archive.name, hash_bytes(sheet.archive)))
    return pd.DataFrame(rows, columns=list(_COLUMNS))
