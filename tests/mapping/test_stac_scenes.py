"""Items of archives that are no scene like others: across the antimeridian, or behind signatures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planetary_computer.settings import Settings  # type: ignore[import-untyped] # it publishes no type information

from mapping.test_requests import item_at, make
from mining_the_mines.core.errors import SceneError
from support.http_servers import FaultyServer, Reply


def changed(path: Path, **fields: Any) -> Path:
    """An item of which a catalog says something else."""
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")
    return path


@pytest.mark.parametrize("box", [[179.2, -17.1, -179.8, -16.1], [179.2, -17.1, 0, -179.8, -16.1, 90]])
def test_an_item_across_the_antimeridian_is_refused_with_a_way_out(tmp_path: Path, box: list[float]) -> None:
    path = changed(item_at(tmp_path / "archive"), bbox=box)
    with pytest.raises(SceneError) as error:
        make(tmp_path, str(path))
    assert str(error.value).startswith(f"{path} lies across the antimeridian (its bbox reaches from 179.2 to -179.8 ")
    assert "acquisition.regions" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_item_without_a_box_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"S2A_X\.json"):
        make(tmp_path, str(changed(item_at(tmp_path / "archive"), bbox=None)))


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """Stands for the service that gives signatures, and gives none."""
    with FaultyServer(lambda _: Reply(404, {}, b"")).running() as server:
        monkeypatch.setattr(Settings.get(), "sas_url", server.address)
        yield server


def test_an_item_of_the_planetary_computer_that_was_saved_is_signed_for(tmp_path: Path, tokens: FaultyServer) -> None:
    path = item_at(tmp_path / "archive")
    assets = json.loads(path.read_text(encoding="utf-8"))["assets"]
    for name, asset in assets.items():
        asset["href"] = f"https://saved.blob.core.windows.net/sentinel2-l2/{name}.tif"
    with pytest.raises(SceneError, match="no composite can be made"):
        make(tmp_path, str(changed(path, assets=assets)))
    assert {asked.path for asked in tokens.asked} == {"/saved/sentinel2-l2"}
