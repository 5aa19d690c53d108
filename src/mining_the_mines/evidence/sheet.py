"""An evidence sheet and its archive: made whole or refused, and the same bytes for the same inputs."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import shapely

from mining_the_mines.assessment.verified_area import verified_rows, verified_sentences
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.core.paths import tell
from mining_the_mines.evidence.ground import Ground, picture_ground
from mining_the_mines.evidence.looks import Look, SiteLooks, find_looks, map_files
from mining_the_mines.evidence.manifest import MANIFEST, ListedFile, Manifest, list_bytes, seal_page
from mining_the_mines.evidence.page import SheetData, render_sheet
from mining_the_mines.evidence.place import Place, hit_areas, locate
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.vector_files import split_layer
from mining_the_mines.registry.package import CARD, NATIVE, StoredPackage

#: Layers of named areas, as the sheet titles them.
CONCESSIONS: Final = "Concessions"
PROTECTED: Final = "Protected areas"
#: Columns of the table of sites with the names of areas.
_NAMES: Final = {CONCESSIONS: "concession", PROTECTED: "protected_area"}
#: Columns of answers that a sheet shows.
_ANSWER: Final = ["reviewer", "answer", "answered_at"]
#: Time of all members of an archive, the earliest that ZIP knows.
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
#: Decimals of degrees; the last one is a centimetre.
_DIGITS: Final = 7


@dataclass(frozen=True, eq=False)
class Basis:
    """Everything that sheets are made from.

    Attributes:
        sites: Table of sites.
        maps: Maps of all regions and periods.
        areas: Named areas by layer, :data:`CONCESSIONS` and :data:`PROTECTED`. ``None`` for a layer that is not
            at hand, which the table of sites may note all the same.
        packages: Packages of models at hand.
        answers: Answers of reviewers: ``reviewer``, ``answer``, ``answered_at`` (UTC), and the ``longitude`` and
            ``latitude`` of the place judged; ``None`` if nobody was asked.
        estimates: Estimated areas; ``None`` if there are none.
        hashes: Hashes of files.
    """

    sites: gpd.GeoDataFrame
    maps: Sequence[Look]
    areas: Mapping[str, NamedAreas | None]
    packages: Sequence[StoredPackage] = ()
    answers: pd.DataFrame | None = None
    estimates: pd.DataFrame | None = None
    hashes: ContentHashes = field(default_factory=ContentHashes)


@dataclass(frozen=True)
class Sheet:
    """A finished sheet.

    Attributes:
        site: Id of the site.
        page: The HTML page.
        archive: The ZIP.
    """

    site: str
    page: bytes
    archive: bytes


def make_sheet(site: str, basis: Basis) -> Sheet:
    """Make the sheet of a site.

    Args:
        site: Id of the site.
        basis: What it is made from; paths in the manifest start from the project of its maps.

    Returns:
        The sheet and its archive.

    Raises:
        BadInputError: There is no such site, or a file that it stands on is gone or has changed since.
    """
    looks = find_looks(site, basis.sites, basis.maps)
    large = map_files(looks, basis.hashes)
    areas = {}
    outline = looks.history.geometry.iloc[-1]
    for layer, known in basis.areas.items():
        areas[layer] = _noted_areas(layer, looks)
        # A layer that nobody named belongs to the simulation, and judges no image that a person gives.
        if known is not None and (known.named or areas[layer] is not None):
            areas[layer] = hit_areas(outline, known)
            source = split_layer(Path(known.source))[0].absolute()
            large[source] = basis.hashes.of(source)
    ground, place = picture_ground(looks), locate(outline)
    model = looks.after.map.record.model_hash
    package = next((one for one in basis.packages if basis.hashes.of(one.folder / NATIVE) == model), None)
    reviews = _answers_about(outline, basis.answers)
    enclosed = _small_files(looks, ground, place, areas, reviews)
    last = looks.after
    verified = (basis.estimates, {last.map.name: last.map.record.content_hash}, last.period.name)
    if len(rows := verified_rows(*verified)):
        enclosed["verified_area.csv"] = _csv(rows)
    if package is not None:
        enclosed[CARD] = package.card.encode()
    files = [list_bytes(name, content) for name, content in sorted(enclosed.items())]
    kept = [
        ListedFile(
            name=tell(path, looks.after.map.folder), sha256=content_hash, size=path.stat().st_size, enclosed=False
        )
        for path, content_hash in large.items()
    ]
    manifest = Manifest(site=site, files=(*kept, *files))
    page = seal_page(
        render_sheet(SheetData(looks, ground, place, areas, package, reviews, manifest, verified_sentences(*verified)))
    ).encode()
    whole = manifest.model_copy(update={"sheet": list_bytes(f"{site}.html", page)})
    members = {f"{site}.html": page, MANIFEST: whole.model_dump_json(indent=1).encode() + b"\n", **enclosed}
    return Sheet(site, page, _zip(members))


def write_sheet(sheet: Sheet, folder: Path) -> tuple[Path, Path]:
    """Write a sheet and its archive.

    Args:
        sheet: The sheet.
        folder: Their folder.

    Returns:
        Paths of the page and of the archive.

    Raises:
        UnwritableError: The disk is full, or the folder can't be written to.
    """
    page, archive = folder / f"{sheet.site}.html", folder / f"{sheet.site}.zip"
    with whole_file(archive) as archive_draft, whole_file(page) as page_draft:
        archive_draft.write_bytes(sheet.archive)
        page_draft.write_bytes(sheet.page)
    return page, archive


def _small_files(
    looks: SiteLooks, ground: Ground, place: Place, areas: Mapping[str, pd.DataFrame | None], reviews: pd.DataFrame
) -> dict[str, bytes]:
    history = looks.history.copy()
    for column in history.select_dtypes("datetime").columns:
        history[column] = history[column].dt.strftime("%Y-%m-%d")
    history["geometry"] = shapely.transform(history.geometry.to_numpy(), lambda points: points.round(_DIGITS))
    images = pd.DataFrame(
        [(look.period.name, day.isoformat()) for look in looks.maps for day in look.map.record.scene.dates],
        columns=["period", "day"],
    )
    files = {
        "outlines.geojson": (history.to_json(drop_id=True, to_wgs84=True, indent=1) + "\n").encode(),
        "history.csv": _csv(pd.DataFrame(history.drop(columns="geometry"))),
        "images.csv": _csv(images),
        "outline_vertices.csv": _csv(place.vertices),
        **{picture.name: picture.png for picture in ground.pictures},
    }
    for layer, hit in areas.items():
        if hit is not None:
            files[f"{layer.lower().replace(' ', '_')}.csv"] = _csv(hit.round({"hectares": 4}))
    if len(reviews):
        files["reviews.csv"] = _csv(reviews)
    return files


def _noted_areas(layer: str, looks: SiteLooks) -> pd.DataFrame | None:
    """Areas that the maps were compared with, as the table of sites notes them: names, and hectares in all of them."""
    row = looks.last_seen
    names = str(row[_NAMES[layer]])
    inside = row["hectares"] - row["outside_concessions_ha"] if layer == CONCESSIONS else row["protected_ha"]
    if pd.isna(inside):
        return None
    return pd.DataFrame({"name": [names] if names else [], "hectares": [inside] if names else []})


def _answers_about(outline: shapely.Geometry, answers: pd.DataFrame | None) -> pd.DataFrame:
    """Answers about places in the outline of a site; the newest first."""
    if answers is None or answers.empty:
        return pd.DataFrame(columns=_ANSWER)
    about = shapely.intersects_xy(outline, answers["longitude"], answers["latitude"])
    return answers.loc[about, _ANSWER].sort_values(
        ["answered_at", "reviewer"], ascending=[False, True], ignore_index=True
    )


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def _zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _NO_TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
