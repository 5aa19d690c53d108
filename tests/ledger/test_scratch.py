"""A project beside the project, where a run is repeated."""

from pathlib import Path

from mining_the_mines.ledger.scratch import make_scratch


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_symbolic_links(tmp_path: Path) -> None:
    write(tmp_path / "store/ab12", "pixels")
    for link in ("data/01_raw/scene.tif", "data/01_raw/chips/a.tif"):
        (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / link).symlink_to(Path(*[".."] * link.count("/"), "store/ab12"))
    scratch = make_scratch(tmp_path, [tmp_path / "data/01_raw/scene.tif", tmp_path / "data/01_raw/chips"])
    assert (scratch / "data/01_raw/scene.tif").read_text(encoding="utf-8") == "pixels"
    assert (scratch / "data/01_raw/chips/a.tif").read_text(encoding="utf-8") == "pixels"


def test_circular_link(tmp_path: Path) -> None:
    folder = tmp_path / "data/01_raw/chips"
    write(folder / "a.tif", "pixels")
    (folder / "again").symlink_to(folder)
    scratch = make_scratch(tmp_path, [folder])
    assert [path.name for path in (scratch / "data/01_raw/chips").rglob("*")] == ["a.tif"]


def test_statistics_of_a_raster(tmp_path: Path) -> None:
    raster = write(tmp_path / "data/01_raw/scene.tif", "pixels")
    write(tmp_path / "data/01_raw/scene.tif.aux.xml", "bands")
    assert (make_scratch(tmp_path, [raster]) / "data/01_raw/scene.tif.aux.xml").is_file()
