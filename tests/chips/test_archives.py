"""Archives of chips."""

import os
import stat
import struct
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from mining_the_mines.chips.archives import ArchiveLimits, unpack_chips
from mining_the_mines.core.errors import BadInputError

Entry = tuple[str | ZipInfo, bytes]


def zipped(path: Path, *entries: Entry) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def entry_of(kind: int, name: str = "chips/a.tif") -> ZipInfo:
    entry = ZipInfo(name)
    entry.external_attr = (kind | 0o644) << 16
    return entry


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(path: Path, limits: ArchiveLimits | None = None) -> str:
    place = path.parent / "unpacked"
    with pytest.raises(BadInputError) as told:
        unpack_chips(path, place, limits or ArchiveLimits())
    assert not place.exists() or not list(place.iterdir())
    assert str(path) in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    ("entries", "unpacked"),
    [
        ([("images/a.tif", b"1"), ("labels.csv", b"3")], {"images/a.tif": b"1", "labels.csv": b"3"}),
        ([("train/", b""), ("train/a.tif", b"1"), ("__MACOSX/train/._a.tif", b"x")], {"a.tif": b"1"}),
        ([("a" * 255, b"1"), ("b/c", b"2")], {"a" * 255: b"1", "b/c": b"2"}),
    ],
    ids=["several folders", "single inner folder", "longest name"],
)
def test_unpack(tmp_path: Path, entries: list[Entry], unpacked: dict[str, bytes]) -> None:
    assert files(unpack_chips(zipped(tmp_path / "a.zip", *entries), tmp_path / "unpacked")) == unpacked


def test_unpacked_once(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.tif", b"1"), ("b.tif", b"2"))
    first = unpack_chips(path, tmp_path / "unpacked")
    made = (first / "a.tif").stat().st_mtime_ns
    assert unpack_chips(path.rename(tmp_path / "b.zip"), tmp_path / "unpacked") == first
    assert (first / "a.tif").stat().st_mtime_ns == made


def test_other_content(tmp_path: Path) -> None:
    first = unpack_chips(zipped(tmp_path / "a.zip", ("a.tif", b"1")), tmp_path / "unpacked")
    assert unpack_chips(zipped(tmp_path / "a.zip", ("a.tif", b"2")), tmp_path / "unpacked") != first


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((name, "leads out of the folder") for name in ("../a.tif", "/etc/a.tif", "x/../../a.tif", "C:/a", "..\\a")),
        *((name, "has the odd name") for name in ("a/../x.tif", "a\x00.tif", ".")),
        *((name, "overlong name") for name in ("a" * 256 + ".tif", "ä" * 128, "/".join(["b" * 100] * 11))),
    ],
)
def test_bad_names(tmp_path: Path, name: str, message: str) -> None:
    entry = ZipInfo("a.tif")
    entry.filename = entry.orig_filename = name
    told = refused(zipped(tmp_path / "a.zip", ("good.tif", b"1"), (entry, b"2")))
    assert message in told
    assert len(told) < 400 + len(str(tmp_path))
    assert not (tmp_path / "a.tif").exists()


@pytest.mark.parametrize("names", [("x", "x/y"), ("x/y", "x"), ("a/X/y/z.tif", "a/x")])
def test_file_and_folder(tmp_path: Path, names: tuple[str, str]) -> None:
    assert "both a file and a folder" in refused(zipped(tmp_path / "a.zip", *((name, b"1") for name in names)))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices(tmp_path: Path, kind: int) -> None:
    assert "a link or a device" in refused(zipped(tmp_path / "a.zip", (entry_of(kind), b"/etc/passwd")))


def test_repeated_names(tmp_path: Path) -> None:
    assert "two files" in refused(zipped(tmp_path / "a.zip", ("a.tif", b"1"), ("A.TIF", b"2")))


def test_bomb(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.tif", bytes(10**6)))
    assert "times as large" in refused(path, ArchiveLimits(harmless_bytes=1000))


def test_limits(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.tif", os.urandom(100)), ("b.tif", os.urandom(100)))
    assert "more than 150 bytes" in refused(path, ArchiveLimits(total_bytes=150))
    assert "2 files where 1 are" in refused(path, ArchiveLimits(files=1))


def test_false_size(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.tif", bytes(10**6)))
    content = path.read_bytes()
    honest = struct.pack("<L", 10**6)
    assert content.count(honest) == 2  # before the content, and in the directory
    path.write_bytes(content.replace(honest, struct.pack("<L", 10)))
    assert "fetch it again" in refused(path)


def test_encrypted(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.tif", b"1"))
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    path.write_bytes(content)
    assert "encrypted: unpack it yourself" in refused(path)


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x05\x06"])
def test_no_archive(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.zip").write_bytes(content)
    assert ("There is no archive" if content is None else "no ZIP archive") in refused(tmp_path / "a.zip")


def test_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.tif", b"1"), ("b.tif", os.urandom(1000)))
    content = bytearray(path.read_bytes())
    content[400] ^= 0xFF
    path.write_bytes(content)
    assert "fetch it again" in refused(path)


def test_unwritable_folder(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.tif", b"1"))
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="can't be written"):
        unpack_chips(path, tmp_path / "file")
