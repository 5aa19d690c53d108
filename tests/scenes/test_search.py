"""Static catalogs, APIs, and signatures."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pystac
import pytest
from planetary_computer.settings import Settings  # type: ignore[import-untyped] # it publishes no type information

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.http import sign
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.search import open_item, open_source
from mining_the_mines.scenes.settings import AccessSettings
from mining_the_mines.scenes.stac_documents import BrokenItem, resolve
from support.http_servers import Asked, FaultyServer, Reply
from support.stac_catalogs import Scene, catalog_json, region, series, write_catalog, write_json

Found = pystac.Item | BrokenItem


def access(source: Path | str) -> AccessSettings:
    return AccessSettings(source=str(source), timeout_seconds=3, retries=1, back_off=0.01)


def find(
    source: Path | str,
    collection: str | None = "sentinel-2-l2a",
    where: Region | None = None,
    start: date | None = None,
    end: date | None = None,
) -> list[Found]:
    return list(open_source(access(source), collection).search(where or region(), start, end))


def ids(found: list[Found]) -> list[str]:
    return [thing.id if isinstance(thing, pystac.Item) else thing.item for thing in found]


def test_static_catalog(tmp_path: Path, server: FaultyServer) -> None:
    write_catalog(tmp_path, series())
    places = (tmp_path, tmp_path / "catalog.json", (tmp_path / "catalog.json").as_uri())
    for place in (*places, f"{server.address}/catalog.json"):
        assert ids(find(place)) == [scene.id for scene in series()]


def test_periods_and_places(tmp_path: Path) -> None:
    write_catalog(tmp_path, [*series(4), Scene(day=1, shift=3)])
    assert ids(find(tmp_path, start=date(2022, 1, 5), end=date(2022, 1, 13))) == [s.id for s in series(4)[1:3]]
    assert find(tmp_path, where=Region("elsewhere", (10, 10, 11, 11))) == []


def test_collection_elsewhere(tmp_path: Path, server: FaultyServer) -> None:
    write_catalog(tmp_path, series())
    path = tmp_path / "sentinel-2-l2a" / "collection.json"
    collection = json.loads(path.read_text())
    collection["extent"]["spatial"]["bbox"] = [[10, 10, 0, 11, 11, 100]]
    write_json(path, collection)
    assert find(f"{server.address}/catalog.json") == []
    assert server.count(series()[0].id) == 0


def test_unknown_collection(tmp_path: Path) -> None:
    write_catalog(tmp_path, series())
    with pytest.raises(SceneError, match="no collection landsat; it has sentinel-2-l2a"):
        find(tmp_path, collection="landsat")


def test_circular_links(tmp_path: Path) -> None:
    write_json(tmp_path / "catalog.json", catalog_json(["./catalog.json", "./other.json"]))
    write_json(tmp_path / "other.json", catalog_json(["./catalog.json"]))
    assert find(tmp_path, collection=None) == []


def test_broken_items(tmp_path: Path, server: FaultyServer) -> None:
    write_catalog(tmp_path, series())
    scenes = series()
    folder = tmp_path / "sentinel-2-l2a"
    (folder / scenes[0].id / f"{scenes[0].id}.json").write_text("{cut off")
    (folder / scenes[1].id / f"{scenes[1].id}.json").write_text(
        '{"type": "Feature", "id": "hollow", "collection": "sentinel-2-l2a"}'
    )
    server.fail(scenes[2].id, 404)
    found = find(f"{server.address}/catalog.json")
    broken = {thing.item: thing.reason for thing in found if isinstance(thing, BrokenItem)}
    assert len(found) == 4
    assert "no JSON" in broken[f"./{scenes[0].id}/{scenes[0].id}.json"]
    assert "no item" in broken["hollow"]
    assert "404" in broken[f"./{scenes[2].id}/{scenes[2].id}.json"]


def test_remote_catalog_names_local_file(tmp_path: Path, server: FaultyServer) -> None:
    outside = write_json(tmp_path / "secret.json", Scene().item())
    write_json(
        tmp_path / "web" / "catalog.json", catalog_json([]) | {"links": [{"rel": "item", "href": outside.as_uri()}]}
    )
    (broken,) = find(f"{server.address}/web/catalog.json", collection=None)
    assert isinstance(broken, BrokenItem)
    assert "only name addresses" in broken.reason


@pytest.mark.parametrize(
    ("href", "base", "local", "expected"),
    [
        ("./a.tif", "/data/x/item.json", True, "/data/x/a.tif"),
        ("../a.tif", "/data/x/item.json", True, "/data/a.tif"),
        ("/b/a.tif", "/data/x/item.json", True, "/b/a.tif"),
        ("file:///b/a%20b.tif", "/data/x/item.json", True, "/b/a b.tif"),
        ("https://host/a.tif", "/data/x/item.json", True, "https://host/a.tif"),
        ("a.tif", "https://host/x/item.json", False, "https://host/x/a.tif"),
        ("/etc/passwd", "https://host/x/item.json", False, "https://host/etc/passwd"),
        ("/vsizip//etc/x", "https://host/x/item.json", False, "https://host/vsizip//etc/x"),
    ],
)
def test_absolute_addresses(href: str, base: str, local: bool, expected: str) -> None:
    assert resolve(href, base, local=local) == expected


@pytest.mark.parametrize(
    ("href", "message"),
    [
        *((href, "on the web may only name") for href in ("file:///etc/passwd", "zip+file:///etc/a", "ftp://host/a")),
        ("s3://eodata/a.jp2", r"s3://eodata/a\.jp2 .*Copernicus Data Space.*acquisition\.source"),
    ],
)
def test_refused_addresses(href: str, message: str) -> None:
    with pytest.raises(SceneError, match=message):
        resolve(href, "https://stac.dataspace.copernicus.eu/v1/items/a", local=False)


def test_missing_source(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="earth-search, planetary-computer"):
        find(tmp_path / "none")


@pytest.mark.parametrize("page", ["<html>", "[1]"])
def test_no_catalog(tmp_path: Path, server: FaultyServer, page: str) -> None:
    (tmp_path / "page.json").write_text(page)
    with pytest.raises(SceneError, match="STAC catalog: check the address"):
        find(f"{server.address}/page.json")


def api(server: FaultyServer, pages: list[dict[str, Any]]) -> str:
    """An API that gives these pages, whatever is asked."""
    landing = catalog_json([]) | {
        "conformsTo": ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"],
        "links": [{"rel": "search", "href": f"{server.address}/search", "type": "application/geo+json"}],
    }

    def answer(asked: Asked) -> Reply:
        body = landing if asked.path == "/" else pages[min(server.count("search"), len(pages)) - 1]
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    server.origin = answer
    return f"{server.address}/"


def test_endless_pages(server: FaultyServer) -> None:
    again = [{"rel": "next", "href": f"{server.address}/search", "method": "POST"}]
    page = {"type": "FeatureCollection", "features": [Scene().item()], "links": again}
    assert ids(find(api(server, [page]))) == [Scene().id]
    assert server.count("search") == 2


def test_no_stac_answer(server: FaultyServer) -> None:
    with pytest.raises(SceneError, match="its answer is no STAC"):
        find(api(server, [{"features": [3], "links": []}]))


def test_whole_days(server: FaultyServer) -> None:
    find(api(server, [{"features": []}]), start=date(2022, 1, 1))
    assert json.loads(server.asked[-1].body)["datetime"] == "2022-01-01T00:00:00Z/.."


def test_signature(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    expiry = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    server.origin = lambda _: Reply(200, {}, json.dumps({"msft:expiry": expiry, "token": "sig=abc"}).encode())
    monkeypatch.setattr(Settings.get(), "sas_url", server.address)
    signed = sign("https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/a.tif")
    assert signed == "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/a.tif?sig=abc"
    assert server.asked[0].path == "/sentinel2l2a01/sentinel2-l2"


def test_missing_signature(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.origin = lambda _: Reply(404, {}, b"")
    monkeypatch.setattr(Settings.get(), "sas_url", server.address)
    with pytest.raises(SceneError, match="gives no signature"):
        sign("https://unknown.blob.core.windows.net/container/a.tif")


def test_items_without_collection(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    item = Scene().item() | {"collection": None}
    write_json(tmp_path / "item.json", item)
    root = write_json(tmp_path / "catalog.json", plain_catalog("./item.json"))
    with pytest.raises(SceneError, match=r"but 1 items that belong to none: set acquisition\.collection to null"):
        find(root)
    assert ids(find(root, collection=None)) == [Scene().id]
    write_json(tmp_path / "other.json", Scene(day=5).item())
    write_json(root, plain_catalog("./item.json", "./other.json"))
    assert ids(find(root)) == [Scene(day=5).id]
    assert "lists 1 items that belong to no collection" in caplog.text


def test_inherited_collection(tmp_path: Path) -> None:
    root = write_catalog(tmp_path, series(1))
    path = tmp_path / "sentinel-2-l2a" / series()[0].id / f"{series()[0].id}.json"
    fields = json.loads(path.read_text())
    del fields["collection"]
    write_json(path, fields)
    assert ids(find(root)) == [series()[0].id]


@pytest.mark.parametrize("links", [None, ["./item.json"], {"rel": "item"}, 3])
def test_broken_links(tmp_path: Path, links: object) -> None:
    write_json(tmp_path / "item.json", Scene().item() | {"links": links})
    write_json(tmp_path / "sub.json", catalog_json([]) | {"links": links})
    root = write_json(tmp_path / "catalog.json", plain_catalog("./sub.json", "./item.json"))
    assert ids(find(root)) == [Scene().id]


def plain_catalog(*items: str) -> dict[str, Any]:
    return catalog_json([]) | {"links": [{"rel": "item", "href": href} for href in items]}


def test_single_item(tmp_path: Path, server: FaultyServer) -> None:
    scene = series()[0]
    write_catalog(tmp_path, [scene])
    path = f"sentinel-2-l2a/{scene.id}/{scene.id}.json"
    for address in (str(tmp_path / path), f"{server.address}/{path}"):
        found = open_item(address, access(""))
        assert ids(list(found.search(region(), date(1999, 1, 1), date(1999, 1, 2)))) == [scene.id]
        assert found.item.get_self_href() == address


@pytest.mark.parametrize("content", ["{}", "no json", "[]", None])
def test_no_item(tmp_path: Path, server: FaultyServer, content: str | None) -> None:
    if content is not None:
        (tmp_path / "item.json").write_text(content)
    for address in (str(tmp_path / "item.json"), f"{server.address}/item.json?sig=verysecret"):
        with pytest.raises(SceneError, match=r"item\.json") as error:
            open_item(address, access(""))
        assert "verysecret" not in str(error.value)
