"""Evidence sheets from a series on disk."""

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_folder
from mining_the_mines.evidence.sheet import Basis, Sheet, make_sheet, write_sheet
from mining_the_mines.geo.named_areas import read_named_areas
from mining_the_mines.monitoring.site_table import site_table
from mining_the_mines.registry.package import CARD, NATIVE, Figure, StoredPackage
from support.monitored_ground import AREAS, write_period, write_series
from support.registered_models import description, facts
from support.scene_maps import write_areas
from support.sites import YEARS, site_row, tiny_sites

NEW, OLD = "tapajos-0002", "tapajos-0001"


@pytest.fixture(scope="module")
def sheet(basis: Basis) -> Sheet:
    """Of the site that is new in the second of four years."""
    return make_sheet(NEW, basis)


def text_of(sheet: Sheet) -> str:
    """The page without its tags, in one line."""
    page = re.sub(r"<(style|script)\b.*?</\1>", " ", sheet.page.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", page).replace("\N{NARROW NO-BREAK SPACE}", " ").split())


def members(sheet: Sheet) -> dict[str, bytes]:
    """Files of the archive."""
    with zipfile.ZipFile(io.BytesIO(sheet.archive)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_page_tells_status_onset_and_confirmation(sheet: Sheet) -> None:
    text = text_of(sheet)
    assert "In 2021, the last period in which the ground was seen clearly, the mine covered 9.0 ha (+5.0 ha)." in text
    assert "The mine began after 30 June 2019" in text
    assert "at the latest on 30 June 2020" in text
    assert "It is confirmed: a second clear look at another date shows it too." in text
    assert "clouds hid the ground in 1 period: it is not seen, and not taken for gone" in text


def test_site_that_was_there_from_the_start(basis: Basis) -> None:
    text = text_of(make_sheet(OLD, basis))
    assert "these images do not tell when it began" in text
    assert "First look: 2019" in text
    assert "Before the mine" not in text


def test_pictures_are_of_the_look_before_the_onset_and_of_the_last_clear_one(sheet: Sheet) -> None:
    text = text_of(sheet)
    assert "Before the mine: 2019" in text
    assert "Last clear look: 2021" in text
    assert "2021 (3 days): 2021 Jan 3, 13; Feb 2" in text
    assert {"before_true_colour.png", "after_true_colour.png", "before_swir.png", "after_swir.png"} <= set(
        members(sheet)
    )


def test_page_needs_nothing_else(sheet: Sheet) -> None:
    page = sheet.page.decode()
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)


def test_before_and_after_share_window_and_stretch(tmp_path: Path) -> None:
    maps = write_series(tmp_path, YEARS[:2])  # noise of the same seed: the same ground
    sites = tiny_sites().query("site_id == @NEW and period == '2020'")
    found = members(make_sheet(NEW, Basis(sites, maps, {})))
    assert found["before_true_colour.png"] == found["after_true_colour.png"]
    assert found["before_swir.png"] == found["after_swir.png"]


def test_images_without_short_waves(tmp_path: Path) -> None:
    maps = [write_period(tmp_path, year, bands=("B2", "B3", "B4")) for year in YEARS]
    found = members(make_sheet(NEW, Basis(tiny_sites(), maps, {})))
    assert [name for name in found if name.endswith(".png")] == ["before_true_colour.png", "after_true_colour.png"]


def test_one_look_alone(tmp_path: Path) -> None:
    maps = write_series(tmp_path, YEARS[:1])
    sites = tiny_sites().query("period == '2019'")
    found = make_sheet(OLD, Basis(sites, maps, {}))
    assert [name for name in members(found) if name.endswith(".png")] == ["after_true_colour.png", "after_swir.png"]


def test_coordinates(sheet: Sheet) -> None:
    text = text_of(sheet)
    assert "-6.000000°, -55.980000°" in text
    assert "WGS 84 / UTM zone 21S: 612889 E, 9336690 N" in text
    vertices = pd.read_csv(io.BytesIO(members(sheet)["outline_vertices.csv"]))
    outline = gpd.read_file(io.BytesIO(members(sheet)["outlines.geojson"])).geometry.iloc[-1]
    drawn = shapely.Polygon(vertices[["longitude", "latitude"]].to_numpy())
    assert shapely.hausdorff_distance(drawn, outline) < 1e-6


def test_many_vertices_are_simplified_on_the_page_alone(basis: Basis) -> None:
    sites = basis.sites.copy()
    own = sites["site_id"] == NEW
    sites.loc[own, "geometry"] = shapely.buffer(shapely.Point(-55.98, -6.0), 0.002, quad_segs=64)
    sheet = make_sheet(NEW, replace(basis, sites=sites))
    assert re.search(r"simplified by up to \d+ m \(outline_vertices.csv holds all 256 vertices\)", text_of(sheet))
    assert len(pd.read_csv(io.BytesIO(members(sheet)["outline_vertices.csv"]))) == 256
    assert sheet.page.decode().count('<td class="nowrap">1.') <= 26


def test_areas_that_are_hit(basis: Basis, tmp_path: Path) -> None:
    west = shapely.box(-55.99, -6.01, -55.98, -5.99)
    concessions = read_named_areas(write_areas(tmp_path / "c.geojson", [("Lavra & Filhos", west)], "EPSG:4326"))
    far = read_named_areas(write_areas(tmp_path / "p.geojson", [("Far", shapely.box(0, 0, 1, 1))], "EPSG:4326"))
    areas = {"Concessions": concessions, "Protected areas": far}
    found = make_sheet(NEW, replace(basis, areas=areas))
    assert "Concessions Lavra &amp; Filhos 4.4 ha inside" in text_of(found)
    assert "Protected areas The site lies in none of the areas of the layer." in text_of(found)
    hit = pd.read_csv(io.BytesIO(members(found)["concessions.csv"]))
    assert hit["hectares"].tolist() == pytest.approx([4.47], abs=0.05)
    listed = [file["name"] for file in json.loads(members(found)["manifest.json"])["files"]]
    assert str(tmp_path / "c.geojson") in listed


def test_no_layer(sheet: Sheet) -> None:
    assert "Concessions No layer was given, so nothing is known." in text_of(sheet)


def test_areas_that_the_table_of_sites_notes(basis: Basis) -> None:
    sites = basis.sites.assign(concession="Lavra; Mina", outside_concessions_ha=2.5, protected_ha=0.0)
    text = text_of(make_sheet(NEW, replace(basis, sites=sites)))
    assert "Concessions Lavra; Mina 6.5 ha inside" in text
    assert "Protected areas The site lies in none of the areas of the layer." in text


def test_layer_of_the_simulation_tells_nothing_of_images_that_a_person_gives(basis: Basis, tmp_path: Path) -> None:
    path = write_areas(tmp_path / "c.geojson", [("Lavra", shapely.box(-57, -7, -55, -5))], "EPSG:4326")
    areas = {"Concessions": replace(read_named_areas(path), named=False)}
    assert "Concessions No layer was given" in text_of(make_sheet(NEW, replace(basis, areas=areas)))


def test_image_that_a_person_gives(basis: Basis) -> None:
    maps = [
        replace(
            one,
            map=replace(one.map, record=replace(one.map.record, scene=replace(one.map.record.scene, clear_dates=None))),
        )
        for one in basis.maps
    ]
    assert "which was given and not made here" in text_of(make_sheet(NEW, replace(basis, maps=maps)))


def test_reviewers(basis: Basis) -> None:
    answers = pd.DataFrame(
        {
            "longitude": [-55.98, -55.98, 0.0],
            "latitude": [-6.0, -6.0, 0.0],
            "reviewer": ["Ana <b>", "Bo", "Cy"],
            "answer": ["mine", "cannot_tell", "no_mine"],
            "answered_at": pd.to_datetime(["2026-01-02T10:00", "2026-01-03T10:00", "2026-01-04T10:00"]),
        }
    )
    text = text_of(make_sheet(NEW, replace(basis, answers=answers)))
    assert "Review Bo cannot tell 3 January 2026 Ana &lt;b&gt; mine" in text
    assert "Cy" not in text


def test_nobody_has_reviewed(sheet: Sheet) -> None:
    assert "Nobody has reviewed this site yet." in text_of(sheet)


def test_card_of_the_model_that_made_the_map(basis: Basis, tmp_path: Path) -> None:
    (tmp_path / NATIVE).mkdir()
    (tmp_path / NATIVE / "weights").write_bytes(b"1")
    scores = (
        Figure(split="out-of-fold", metric="iou", value=0.9, low=0.8, high=0.95),
        Figure(split="test", metric="iou", value=0.7, low=0.6, high=0.8),
    )
    known = facts().model_copy(update={"scores": scores})
    package = StoredPackage(tmp_path, description("segmentation"), known, "# Card\n\n**All of it is made up.**\n")
    other = make_sheet(NEW, replace(basis, packages=[package]))
    assert "Its card is not at hand." in text_of(other)
    maps = [
        replace(one, map=replace(one.map, record=replace(one.map.record, model_hash=hash_folder(tmp_path / NATIVE))))
        for one in basis.maps
    ]
    found = make_sheet(NEW, replace(basis, packages=[package], maps=maps))
    assert "trained on 20 chips with 6 bands" in text_of(found)
    assert "0.700 (0.600 to 0.800)" in text_of(found)
    assert "All of it is made up." in text_of(found)
    assert members(found)[CARD] == package.card.encode()


def test_same_bytes_in_another_folder(sheet: Sheet, tmp_path: Path) -> None:
    again = make_sheet(NEW, Basis(tiny_sites(), write_series(tmp_path), AREAS))
    assert again == sheet


def test_many_periods_and_parts(basis: Basis) -> None:
    rows = [
        site_row(year, NEW, joined="a b", hectares=np.nan if year == YEARS[1] else 4.0, status=status)
        for year, status in zip(YEARS, ("baseline", "not_seen", "inactive", "unchanged"), strict=True)
    ]
    found = make_sheet(NEW, replace(basis, sites=site_table(rows)))
    assert "It has absorbed a, b." in text_of(found)


def test_unknown_site_with_the_nearest_ids(basis: Basis) -> None:
    with pytest.raises(BadInputError, match=r"There is no site tapajos-002: name one of the 2 .* tapajos-0002"):
        make_sheet("tapajos-002", basis)


def test_series_without_a_mine(basis: Basis) -> None:
    with pytest.raises(BadInputError, match="There is no site tapajos-0001: the series found no mine"):
        make_sheet(OLD, replace(basis, sites=basis.sites.iloc[:0]))


def test_map_is_gone(basis: Basis) -> None:
    with pytest.raises(BadInputError, match="The map of tapajos in 2021, on which tapajos-0002 stands, is gone"):
        make_sheet(NEW, replace(basis, maps=basis.maps[:2]))


def test_period_in_which_nothing_was_seen(basis: Basis) -> None:
    sites = tiny_sites()
    sites.loc[sites["period"] == "2022", ["status", "lineage_id"]] = ["not_seen", ""]
    found = make_sheet(OLD, replace(basis, sites=sites, maps=basis.maps[:3]))
    assert "Last clear look: 2021" in text_of(found)


def test_map_before_the_onset_is_gone(basis: Basis) -> None:
    with pytest.raises(BadInputError, match="The map of tapajos of 2019-06-30, the last without tapajos-0002, is gone"):
        make_sheet(NEW, replace(basis, maps=basis.maps[1:]))


def test_map_was_made_again(own_basis: Basis, tmp_path: Path) -> None:
    other = write_period(tmp_path / "again", YEARS[2], content_hash="9" * 64)
    with pytest.raises(BadInputError, match="The map of tapajos in 2021 was made again since the table of sites"):
        make_sheet(NEW, replace(own_basis, maps=[*own_basis.maps[:2], other, own_basis.maps[3]]))


def test_composite_was_removed(own_basis: Basis) -> None:
    own_basis.maps[0].map.record.scene.image.unlink()
    with pytest.raises(BadInputError, match=r"The image of tapajos in 2019 was removed .*2019/tapajos\.tif"):
        make_sheet(NEW, own_basis)


def test_composite_has_changed(own_basis: Basis) -> None:
    image = own_basis.maps[2].map.record.scene.image
    image.write_bytes(image.read_bytes() + b" ")
    with pytest.raises(BadInputError, match=r"2021/tapajos\.tif, the image .* has changed since it was mapped"):
        make_sheet(NEW, own_basis)


def test_other_composites_may_be_gone(own_basis: Basis, tmp_path: Path) -> None:
    own_basis.maps[1].map.record.scene.image.unlink()
    assert write_sheet(make_sheet(NEW, own_basis), tmp_path)[0].is_file()
