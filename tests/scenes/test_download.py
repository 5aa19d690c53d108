"""Files that are fetched and kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import rasterio

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.scenes.download import download_assets
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import AcquisitionSettings
from support.http_servers import FaultyServer, Kind, files
from support.stac_catalogs import BANDS, GROUND, series, settings, write_catalog

Online = tuple[AcquisitionSettings, SceneSelection]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultyServer]:
    with FaultyServer(files(tmp_path / "archive")).running() as running:
        yield running


@pytest.fixture
def online(tmp_path: Path, server: FaultyServer) -> Online:
    """Settings, and the choice of four scenes on a server, for two regions."""
    write_catalog(tmp_path / "archive", series(), checksums=True)
    regions = {"tapajos": GROUND, "again": GROUND}
    chosen = settings(f"{server.address}/catalog.json", timeout_seconds=2, retries=1, regions=regions, minimum_dates=2)
    return chosen, select_scenes(chosen, BANDS, "scl")


def test_download(tmp_path: Path, online: Online, server: FaultyServer) -> None:
    chosen, choice = online
    fetched = download_assets(choice, tmp_path / "kept", chosen)
    first = series()[0].id
    asset = fetched.items["tapajos"][0]["assets"]["blue"]
    path = Path(asset["href"])
    assert path == tmp_path / "kept" / "sentinel-2-l2a" / first / "blue.tif"
    assert path.read_bytes() == (tmp_path / "archive" / "sentinel-2-l2a" / first / "blue.tif").read_bytes()
    assert asset["alternate"]["origin"]["href"].startswith(server.address)
    assert len(fetched.left_out) == 0
    with rasterio.open(fetched.scenes("again")[0].assets["blue"].href) as raster:
        assert raster.shape == (64, 64)


def test_resumed_download(tmp_path: Path, online: Online, server: FaultyServer) -> None:
    chosen, choice = online
    whole = download_assets(choice, tmp_path / "kept", chosen)
    (tmp_path / "kept" / "sentinel-2-l2a" / series()[0].id / "red.tif").unlink()
    server.asked.clear()
    again = download_assets(choice, tmp_path / "kept", chosen)
    assert server.count(r"\.tif") == 1
    assert again.to_json() == whole.to_json()


def test_damaged_file(tmp_path: Path, online: Online) -> None:
    chosen, choice = online
    download_assets(choice, tmp_path / "kept", chosen)
    path = tmp_path / "kept" / "sentinel-2-l2a" / series()[0].id / "red.tif"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    download_assets(choice, tmp_path / "kept", chosen)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("kind", "told"), [(404, "answers 404"), ("cut", "broke off"), ("hang", "not answered"), ("drip", "not answered")]
)
def test_incomplete_file(tmp_path: Path, online: Online, server: FaultyServer, kind: Kind, told: str) -> None:
    chosen, choice = online
    first = series()[0].id
    server.fail(f"{first}/green", kind)
    fetched = download_assets(choice, tmp_path / "kept", chosen)
    assert [len(items) for items in fetched.items.values()] == [3, 3]
    assert fetched.left_out["item"].tolist() == [first, first]
    assert told in fetched.left_out["reason"][0]
    assert not [path for path in (tmp_path / "kept").rglob("*green*") if first in str(path)]


def test_another_file(tmp_path: Path, online: Online) -> None:
    chosen, choice = online
    other = tmp_path / "archive" / "sentinel-2-l2a" / series()[1].id / "green.tif"
    other.replace(tmp_path / "archive" / "sentinel-2-l2a" / series()[0].id / "green.tif")
    fetched = download_assets(choice, tmp_path / "kept", chosen)
    reasons = fetched.left_out.set_index("item")["reason"].groupby("item").first()
    assert "another file" in reasons[series()[0].id]
    assert "404" in reasons[series()[1].id]


def test_dangerous_names(tmp_path: Path, online: Online) -> None:
    chosen, choice = online
    items = {
        name: ({**given[0], "id": "../../../out", "collection": ".."}, *given[1:])
        for name, given in choice.items.items()
    }
    fetched = download_assets(
        SceneSelection(choice.source, choice.regions, items, choice.left_out), tmp_path / "kept", chosen
    )
    path = Path(fetched.items["tapajos"][0]["assets"]["blue"]["href"])
    assert path.is_relative_to(tmp_path / "kept")
    assert ".." not in path.parts


def test_files_on_disk(tmp_path: Path) -> None:
    local = settings(write_catalog(tmp_path / "archive", series()))
    choice = select_scenes(local, BANDS, "scl")
    assert download_assets(choice, tmp_path / "kept", local).to_json() == choice.to_json()
    assert not (tmp_path / "kept").exists()


def test_unwritable_folder(tmp_path: Path, online: Online) -> None:
    chosen, choice = online
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(BadInputError, match="can't be written"):
        download_assets(choice, tmp_path / "kept", chosen)
