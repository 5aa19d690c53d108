"""``kedro review`` opens what is there, says what is missing, and imports answers."""

from pathlib import Path

import pytest
from kedro.io import DataCatalog

from mining_the_mines.cli.review import open_review
from mining_the_mines.ledger.project_catalog import config_loader
from mining_the_mines.review.places import places_of_sample
from mining_the_mines.scenes.composite_files import write_index
from support.chip_polygons import utm_grid
from support.composites import composite_at
from support.projects import command, copy_project
from support.reviews import BANDS, SECRET, sample_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


@pytest.fixture
def with_sample(project: Path) -> Path:
    version = project / "data/simulated/08_reporting/sample/2026-11-30T00.00.00.000Z/sample"
    version.mkdir(parents=True)
    sample_of(period="").to_parquet(version / "sample.parquet")
    return project


@pytest.fixture
def with_composites(with_sample: Path) -> Path:
    folder = with_sample / "data/simulated/02_intermediate/composites"
    composite = composite_at(folder, grid=utm_grid(80, 80), bands=BANDS)
    record = '{"region": "north", "content_hash": "0", "dates": ["2021-06-01"], "baselines": [], "method": "median"'
    (folder / "north.composite.json").write_text(f'{record}, "faults": [], "notes": []}}')
    write_index(folder, [composite.region])
    return with_sample


def test_without_a_sample(project: Path) -> None:
    told = command(project, "review")
    assert told.exit_code == 1
    assert "There is no sample of places yet: draw one with kedro run --pipelines=sampling" in told.output


def test_without_sites(project: Path) -> None:
    told = command(project, "review", "--sites")
    assert "There is no table of sites yet: run kedro run --pipelines=monitoring first" in told.output


def test_without_maps_and_composites(with_sample: Path) -> None:
    told = command(with_sample, "review")
    assert "There are no maps and no composites to show yet: run kedro run" in told.output


def test_sample_on_composites(with_composites: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(with_composites)
    catalog = DataCatalog.from_config(config_loader(with_composites)["catalog"])
    session = open_review(catalog, places_of_sample(catalog.load("sample")))
    place = session.work("Ana")["place"]
    assert (len(session), place["place_id"]) == (3, "north__0")
    assert [view["name"] for view in place["views"]] == ["now", "infrared", "plants"]


def test_sample_of_other_ground(with_composites: Path) -> None:
    elsewhere = sample_of().assign(longitude=12.0)
    elsewhere.to_parquet(next(with_composites.rglob("sample.parquet")))
    told = command(with_composites, "review")
    assert "No image shows any of the 3 places: make the composites" in told.output


def test_next_without_a_map(with_composites: Path) -> None:
    told = command(with_composites, "review", "--next", "uncertain")
    assert "There is no map with data to choose places from" in told.output


def test_static_page(with_composites: Path) -> None:
    told = command(with_composites, "review", "--static", "review.html")
    assert "review.html holds 3 places" in told.output
    assert SECRET not in (with_composites / "review.html").read_text("utf-8")


def test_answers_are_imported_once(with_sample: Path) -> None:
    (with_sample / "answers.csv").write_text("place_id,answer\nnorth__0,mine\nnorth__1,river\n")
    first = command(with_sample, "review", "--import", "answers.csv", "--reviewer", "Ana")
    assert "2 answers of Ana are imported from answers.csv" in first.output
    again = command(with_sample, "review", "--import", "answers.csv", "--reviewer", "Ana")
    assert "answers.csv is not new. 2 were imported before." in again.output
    log = with_sample / "data/simulated/01_raw/review_answers.jsonl"
    assert len(log.read_text().splitlines()) == 2
