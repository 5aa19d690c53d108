"""What `kedro run --pipelines=monitoring` leaves behind, after a default run at a small size."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest

from mining_the_mines.pipeline_registry import register_pipelines
from support.projects import SMALL, command, describes, newest, nodes_of_last_run, run
from support.sites import site_register

pytestmark = pytest.mark.end_to_end

#: The network has learnt next to nothing, so that all ground has to count.
ALL_GROUND = {"model": "ensemble", "vectors": {"seed": 0.0}}
FIRST = 2018
MONITORING = {node.name for node in register_pipelines()["monitoring"].nodes}


@pytest.fixture(scope="module")
def project(default_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a project in which everything has run."""
    return Path(shutil.copytree(default_project, tmp_path_factory.mktemp("monitored") / "project"))


def test_the_default_run_watches_the_region_kept_for_testing(project: Path) -> None:
    table = pd.read_csv(newest(project, "periods.csv"), dtype={"period": str})
    assert list(table["period"]) == ["2019", "2020"]
    assert set(table["region"]) == {"madre_de_dios"}
    assert (table["seen_share"] > 0).all()


def test_lineage_of_a_monitored_map_goes_on_to_the_scenes_of_its_period(project: Path) -> None:
    folder = project / "data/simulated/07_model_output/monitoring/2020/madre_de_dios"
    made = json.loads((folder / "map.json").read_text(encoding="utf-8"))["content_hash"]
    told = command(project, "lineage", f"monitored_maps:{made}", "--json")
    assert told.exit_code == 0, told.output
    scenes = json.loads(told.output)["answer"]["images"]["scenes"]
    assert {scene["moment"][:4] for scene in scenes} == {"2020"}


def test_a_reproduction_starts_from_the_register_that_the_run_found(project: Path) -> None:
    """Ids of earlier runs can't be made from the images."""
    old = site_register([("elsewhere", 7)])
    old.to_parquet(newest(project, "site_register.parquet"))
    done = command(project, "run", "--pipelines=monitoring", "--nodes=monitoring.join_period_sites")
    assert done.exit_code == 0, done.output
    assert "elsewhere-0007" in set(gpd.read_parquet(newest(project, "site_register.parquet"))["site_id"])
    repeated = command(project, "reproduce", "LAST")
    assert repeated.exit_code == 0, repeated.output


def _series(real_chips: Path, years: int) -> dict[str, Any]:
    """Parameters of a series of one cloudy date a year."""
    paths = {str(FIRST + number): str(real_chips / f"timeseries_l1c/scene_{number}.tif") for number in range(years)}
    monitoring = {
        **SMALL["monitoring"],
        "periods": {"start": f"{FIRST}-01-01", "end": f"{FIRST + years - 1}-12-31"},
        "scenes": {"paths": paths},
        "mapping": ALL_GROUND,
    }
    del monitoring["simulation"]  # nothing is simulated beside rasters of one's own
    return {**SMALL, "monitoring": monitoring}


@dataclass(frozen=True)
class Before:
    """A series of four years: its sites, and when its rasters were written."""

    sites: gpd.GeoDataFrame
    rasters: dict[Path, int]


@pytest.fixture(scope="module")
def four_years(project: Path, real_chips: Path) -> Before:
    run(project, ["monitoring"], parameters=_series(real_chips, 4))
    rasters = project.glob("data/*/07_model_output/monitoring/20??/*/*.tif")
    return Before(
        gpd.read_parquet(newest(project, "sites.parquet")), {path: path.stat().st_mtime_ns for path in rasters}
    )


@pytest.fixture(scope="module")
def fifth_year(project: Path, real_chips: Path, four_years: Before) -> set[str]:  # noqa: ARG001 - after the four
    """Nodes that run in the default run when a year is added."""
    run(project, parameters=_series(real_chips, 5), only_stale=True)
    return nodes_of_last_run()


@pytest.mark.real_chips
def test_another_period_costs_only_itself(project: Path, four_years: Before, fifth_year: set[str]) -> None:
    assert {name for name in fifth_year if not describes(name)} <= MONITORING | {"reporting.draw_sites"}
    assert {path: path.stat().st_mtime_ns for path in four_years.rasters} == four_years.rasters
    sites, keys = gpd.read_parquet(newest(project, "sites.parquet")), ["period", "site_id"]
    known = sites["period"].isin(four_years.sites["period"])
    assert set(sites[known][keys].itertuples(index=False)) == set(four_years.sites[keys].itertuples(index=False))
    assert set(sites[~known]["period"]) == {str(FIRST + 4)}


@pytest.mark.real_chips
@pytest.mark.usefixtures("fifth_year")
def test_five_cloudy_dates_are_a_series(project: Path) -> None:
    periods = pd.read_csv(newest(project, "periods.csv"), dtype={"period": str})
    assert list(periods["period"]) == [str(FIRST + number) for number in range(5)]
    assert periods["seen_share"].between(0.01, 0.85).all()
    sites = gpd.read_parquet(newest(project, "sites.parquet"))
    assert "not_seen" in set(sites["status"])
    hidden = sites[sites["status"] == "not_seen"]
    assert hidden["hectares"].isna().all()
    site = sites.loc[sites["hectares"] > 0, "site_id"].iloc[0]
    written = command(project, "evidence", site)
    assert written.exit_code == 0, written.output
    (archive,) = project.glob(f"data/*/08_reporting/evidence/{site}.zip")
    assert command(project, "evidence", "--verify", str(archive)).exit_code == 0
    for raster in project.glob("data/*/07_model_output/monitoring/*/*/probability.tif"):
        raster.write_bytes(raster.read_bytes() + b"edited")
    found = command(project, "evidence", "--verify", str(archive))
    assert found.exit_code == 1
    assert "changed" in found.output
