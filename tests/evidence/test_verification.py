"""Whether a sheet, its archive and the files behind them are as they were."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.evidence.manifest import OPEN_SEAL, seal_page
from mining_the_mines.evidence.sheet import Basis, make_sheet, write_sheet
from mining_the_mines.evidence.verification import Verification, verify

SITE = "tapajos-0002"


@pytest.fixture(scope="module")
def made(basis: Basis) -> Path:
    """Project with a sheet."""
    project = basis.maps[0].map.folder.parents[3]
    write_sheet(make_sheet(SITE, basis), project / "sheets")
    return project


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "project"))


def verdicts(found: Verification) -> dict[str, str]:
    """Files that are not intact."""
    return {file.name: file.verdict for file in found.files if file.verdict != "intact"}


def change_member(archive: Path, name: str, change: Callable[[bytes], bytes | None]) -> None:
    """Write an archive again with another member."""
    with zipfile.ZipFile(archive) as opened:
        members = {one: opened.read(one) for one in opened.namelist()}
    changed = change(members.pop(name, b""))
    with zipfile.ZipFile(archive, "w") as opened:
        for one, content in members.items():
            opened.writestr(one, content)
        if changed is not None:
            opened.writestr(name, changed)


@pytest.mark.parametrize("suffix", ["html", "zip"])
def test_nothing_was_changed(made: Path, suffix: str) -> None:
    found = verify(made / f"sheets/{SITE}.{suffix}", made)
    assert found.intact
    assert {file.enclosed for file in found.files} == {True, False}
    assert found.fingerprint in (made / f"sheets/{SITE}.html").read_text("utf-8")


def test_manifest_of_an_unpacked_archive(project: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(project / f"sheets/{SITE}.zip").extractall(tmp_path / "unpacked")
    assert verify(tmp_path / "unpacked/manifest.json", project).intact
    (tmp_path / "unpacked/history.csv").write_text("other", encoding="utf-8")
    (tmp_path / "unpacked/images.csv").unlink()
    found = verify(tmp_path / "unpacked/manifest.json", project)
    assert verdicts(found) == {"history.csv": "changed", "images.csv": "missing"}


def test_large_file_was_changed(project: Path) -> None:
    (project / "data/composites/2019/tapajos.tif").write_bytes(b"another image")
    (project / "data/maps/2020/tapajos/map.json").unlink()
    found = verify(project / f"sheets/{SITE}.zip", project)
    assert verdicts(found) == {
        "data/composites/2019/tapajos.tif": "changed",
        "data/maps/2020/tapajos/map.json": "missing",
    }
    assert not found.intact


def test_only_what_was_handed_over(project: Path, tmp_path: Path) -> None:
    assert not verify(project / f"sheets/{SITE}.zip", tmp_path).intact
    assert verify(project / f"sheets/{SITE}.zip", tmp_path, enclosed_only=True).intact


def test_sheet_edited_by_hand(project: Path) -> None:
    page = project / f"sheets/{SITE}.html"
    page.write_text(page.read_text("utf-8").replace("9.0", "2.0"), encoding="utf-8")
    assert verdicts(verify(page, project)) == {f"{SITE}.html": "changed"}
    (project / f"sheets/{SITE}.zip").unlink()
    assert verdicts(verify(page, project, enclosed_only=True))[f"{SITE}.html"] == "changed"


def test_sheet_sealed_again_differs_from_its_archive(project: Path) -> None:
    page = project / f"sheets/{SITE}.html"
    text = page.read_text("utf-8")
    seal = text.partition('id="seal">')[2][:64]
    page.write_text(seal_page(text.replace(seal, OPEN_SEAL).replace("9.0", "2.0")), encoding="utf-8")
    assert verdicts(verify(page, project)) == {f"{SITE}.html": "changed"}


def test_sheet_with_a_second_seal(project: Path) -> None:
    page = project / f"sheets/{SITE}.html"
    page.write_text(f'{page.read_text("utf-8")}<code id="seal">{OPEN_SEAL}</code>', encoding="utf-8")
    assert verdicts(verify(page, project))[f"{SITE}.html"] == "changed"


@pytest.mark.parametrize(
    ("name", "change", "verdict"),
    [
        ("outlines.geojson", lambda _: b"{}", "changed"),
        ("outlines.geojson", lambda _: None, "missing"),
        ("more.csv", lambda _: b"1", "added"),
        (f"{SITE}.html", lambda page: page.replace(b"9.0", b"2.0"), "changed"),
    ],
)
def test_archive_was_changed(project: Path, name: str, change: Callable[[bytes], bytes | None], verdict: str) -> None:
    archive = project / f"sheets/{SITE}.zip"
    change_member(archive, name, change)
    assert verdicts(verify(archive, project)) == {name: verdict}
    assert verdicts(verify(archive.with_suffix(".html"), project))[f"{SITE}.zip: {name}"] == verdict


def test_manifest_that_does_not_match_its_sheet(project: Path) -> None:
    def without_history(manifest: bytes) -> bytes:
        values = json.loads(manifest)
        values["files"] = [file for file in values["files"] if file["name"] != "history.csv"]
        return json.dumps(values).encode()

    archive = project / f"sheets/{SITE}.zip"
    change_member(archive, "manifest.json", without_history)
    assert verdicts(verify(archive, project)) == {f"{SITE}.html": "changed", "history.csv": "added"}


def test_damaged_member(project: Path) -> None:
    archive = project / f"sheets/{SITE}.zip"
    content = bytearray(archive.read_bytes())
    place = content.index(b"outline_vertices.csv") + 40
    content[place : place + 8] = b"damaged!"
    archive.write_bytes(content)
    assert verdicts(verify(archive, project)) == {"outline_vertices.csv": "changed"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.html", None, "does not exist"),
        ("page.html", b"<html></html>", "holds no manifest, so it is no evidence sheet"),
        ("a.json", b"{}", "holds no manifest that can be read"),
        ("b.json", b'{"site": "a", "files": []}', "names no sheet"),
        ("c.pdf", b"%PDF", "holds no manifest that can be read"),
    ],
)
def test_file_that_proves_nothing(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        verify(tmp_path / name, tmp_path)


def test_other_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(BadInputError, match=r"holds no manifest\.json"):
        verify(tmp_path / "a.zip", tmp_path)
