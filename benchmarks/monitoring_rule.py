"""Tolerances, onset and the rules of new and confirmed sites, tuned on simulated regions and scored on others.

Reads the maps of a series and the dated mines beside its simulated archive. Four questions:

- *Edges*: how much do two maps of a mine differ whose ground is the same? ``monitoring.sites.tolerance_…`` follow.
- *Onset*: how often does the interval hold the true opening, and how long is it, by the probability that an earlier
  look may have (``monitoring.sites.absent_probability``)?
- *Second look*: below which hectares and probability does a site wait for a second look before it counts as new, and
  how near must known activity be to spare it that? The rule with the best F1 of new sites; of equal ones the one that
  makes fewest wait.
- *Confirmation*: of all rules of a grid, the one that confirms most new mines on the regions to tune on, with at most
  one confirmed false site per 100 km² and period. The tuned rules and those of the parameters are scored on the others.

Make the maps first (about ten minutes), with models that have seen none of these regions:

    monitoring.simulation.provinces and monitoring.scenes.regions:
      [carajas, kalimantan, choco, ashanti, lake_victoria, birimian, copperbelt]
    kedro run --pipelines=monitoring
    python benchmarks/monitoring_rule.py [--data FOLDER] [--tune REGION …] [--score REGION …]
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from mining_the_mines.datasets.monitoring import PeriodMapsDataset
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.confirmation import NOTHING, confirm
from mining_the_mines.monitoring.period_map import PeriodMap
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.monitoring.site_table import SiteStatus
from mining_the_mines.monitoring.sites import join_sites
from mining_the_mines.pipelines.monitoring.score_nodes import claims_of_sites, looks_of
from mining_the_mines.pipelines.monitoring.site_nodes import period_maps
from mining_the_mines.scoring.change_matching import (
    CLAIM,
    MINE,
    ChangeComparison,
    ChangeMatchSettings,
    Look,
    compare_changes,
)
from mining_the_mines.scoring.site_scores import SITES, WeightedSiteScores

TUNED_ON = ("carajas", "kalimantan", "choco", "ashanti", "lake_victoria", "birimian")
#: Confirmed false sites per 1 000 km² and period.
MOST_FALSE = 10.0
DETECTION = ("new_f1", "new_precision", "new_recall", "false_per_1000_km2")
CONFIRMED = (
    "confirmed_recall", "confirmed_precision", "confirmed_false_per_1000_km2", "days_to_detection",
    "days_to_confirmation",
)  # fmt: skip


class Series:
    """Maps of some regions with the truth."""

    def __init__(self, maps: Sequence[PeriodResult[SceneMaps]], truth: gpd.GeoDataFrame, regions: set[str]) -> None:
        self.maps: list[PeriodMap] = [found for found in period_maps(tuple(maps)) if found.region in regions]
        self.looks: list[Look] = [look for look, _ in looks_of(maps) if look.region in regions]
        self.truth = truth[truth["region"].isin(regions)]

    def sites(self, settings: SiteSettings, rule: ConfirmationSettings) -> gpd.GeoDataFrame:
        """The table of sites."""
        return join_sites(self.maps, settings, rule).table

    def compare(self, sites: gpd.GeoDataFrame) -> ChangeComparison:
        """New sites beside the mines that opened."""
        areas = sites.rename(columns={"site_id": "object"})
        return compare_changes(self.truth, self.looks, {SITES: claims_of_sites(sites)}, areas, ChangeMatchSettings())

    def scores(self, sites: gpd.GeoDataFrame) -> dict[str, float]:
        """All figures of a table of sites."""
        compared = self.compare(sites)
        scorer = WeightedSiteScores(compared.objects, SITES, sum(compared.exposure.values()))
        return {name: float(value[0]) for name, value in scorer(np.ones((1, len(compared.objects)))).items()}


def edge_errors(series: Series) -> pd.DataFrame:
    """Mapped changes of mines whose true outline stayed the same: hectares, and share of the mine."""
    sites = series.sites(SiteSettings(tolerance_hectares=0, tolerance_share=0), ConfirmationSettings())
    days = {look.period: look.middle for look in series.looks}
    rows = []
    for _, history in sites.groupby("site_id"):
        seen = history[history["hectares"] > 0]
        for before, now in zip(seen.iloc[:-1].itertuples(), seen.iloc[1:].itertuples(), strict=True):
            touched = series.truth[(series.truth["region"] == now.region) & series.truth.intersects(now.geometry)]
            same = (touched["valid_from"] <= days[before.period]) & ~(touched["valid_to"] < days[now.period])
            if len(touched) and touched.loc[same, "name"].nunique() == touched["name"].nunique():
                rows.append((now.hectares, abs(now.change_hectares), abs(now.change_hectares) / before.hectares))
    return pd.DataFrame(rows, columns=["hectares", "change", "share"])


def waits() -> Iterator[ConfirmationSettings]:
    """Rules of the second look to choose from, those that make fewest wait first."""
    for hectares, faint, metres in product((0.0, 0.6, 0.8, 1.0), (0.0, 0.6, 0.7), (1000.0, 0.0)):
        if hectares or faint or not metres:
            yield ConfirmationSettings(waiting_hectares=hectares, waiting_probability=faint, activity_metres=metres)


def rules(waiting: ConfirmationSettings) -> Iterator[ConfirmationSettings]:
    """Rules of confirmation to choose from, with one of the second look."""
    grid = product((0.7, 0.8, 0.85), (0.85, 0.9, 0.93), (0.7, 0.8, 0.85, 0.9), (0.0, 0.25, 0.5))
    for second, alone, beside, added in grid:
        if second <= alone and beside <= alone:
            yield waiting.model_copy(
                update={
                    "second_look_probability": second, "probability": alone, "neighbour_probability": beside,
                    "added_per_doubling": added,
                }
            )  # fmt: skip


def main() -> int:
    """Print what the regions to tune on say, and score the rule on the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/simulated"))
    parser.add_argument("--tune", nargs="+", default=TUNED_ON)
    parser.add_argument("--score", nargs="+", default=["copperbelt"])
    options = parser.parse_args()
    if not (options.data / "07_model_output/monitoring/periods.json").is_file():
        sys.stderr.write(f"{options.data} holds no series: run kedro run --pipelines=monitoring first\n")
        return 2
    maps = PeriodMapsDataset(filepath=str(options.data / "07_model_output/monitoring")).load()
    truth = gpd.read_file(options.data / "01_raw/changing_archive/mines.gpkg")
    for name in ("opened", "valid_from", "valid_to"):
        truth[name] = pd.to_datetime(truth[name])
    tune, score = (Series(maps, truth, set(regions)) for regions in (options.tune, options.score))
    if not (tune.maps and score.maps):
        sys.stderr.write(f"{options.data} holds no maps of {options.tune} and {options.score}\n")
        return 2
    _print_edges(edge_errors(tune))
    _print_onsets(tune)
    best = _print_rules(tune, _print_waits(tune))
    print("\nOn the other regions:")
    limit = True
    for title, rule in (("tuned", best), ("default", ConfirmationSettings())):
        found = score.scores(score.sites(SiteSettings(), rule))
        print(f"{title:8s}", " ".join(f"{name} {found[name]:.3g}" for name in (*DETECTION, *CONFIRMED, "onset_held")))
        limit = found["confirmed_false_per_1000_km2"] <= MOST_FALSE
    return 0 if limit else 1


def _print_edges(errors: pd.DataFrame) -> None:
    print(f"Edges: {len(errors)} pairs of maps of unchanged mines")
    for low, high in ((0, 1), (1, 3), (3, 10), (10, 1000)):
        part = errors[(errors["hectares"] >= low) & (errors["hectares"] < high)]
        if len(part):
            quantiles = part[["change", "share"]].quantile([0.5, 0.9, 0.95]).to_numpy()
            told = ", ".join(f"{hectares:.2f} ha ({share:.0%})" for hectares, share in quantiles)
            print(f"  {low} to {high} ha, {len(part)} pairs: median, 90 and 95 %: {told}")
    usual = SiteSettings()
    within = errors["change"] <= np.maximum(usual.tolerance_hectares, usual.tolerance_share * errors["hectares"])
    print(f"  within the tolerances of the parameters: {within.mean():.1%}")


def _print_onsets(series: Series) -> None:
    print("Onset by absent_probability: share that holds, median days, share without an earlier look")
    for limit in (0.1, 0.15, 0.25, 1.0):
        sites = series.sites(SiteSettings(absent_probability=limit), ConfirmationSettings())
        new = sites[sites["status"] == SiteStatus.NEW]
        days = (new["onset_by"] - new["onset_after"]).dt.days
        held = series.scores(sites)["onset_held"]
        print(f"  {limit:4}: {held:.1%}, {days.median():.0f} days, {days.isna().mean():.1%}")


def _print_waits(series: Series) -> ConfirmationSettings:
    """The rule of the second look with the best F1 of new sites, of equal ones the first."""
    rows = [(series.scores(series.sites(SiteSettings(), rule)), rule) for rule in waits()]
    rows.sort(key=lambda row: -round(row[0]["new_f1"], 3))
    print("Second look by hectares, probability and metres of known activity")
    for found, rule in rows[:8]:
        told = rule.model_dump(include={"waiting_hectares", "waiting_probability", "activity_metres"})
        print("  ", " ".join(f"{name} {found[name]:.3g}" for name in DETECTION), told)
    return rows[0][1]


def _print_rules(series: Series, waiting: ConfirmationSettings) -> ConfirmationSettings:
    """The rule that confirms most with few enough false sites; of equal ones the one with fewest, then the first."""
    sites = series.sites(SiteSettings(), waiting)
    compared = series.compare(sites)
    objects = compared.objects[compared.objects["counted"]]
    claims, mines = objects[objects["side"] == CLAIM], objects[objects["side"] == MINE]
    exposure = sum(compared.exposure.values()) / 1000
    evidence = _evidence(sites)
    rows = []
    for rule in rules(waiting):
        confirmed = _replay(evidence, rule)
        sure = claims["object"].isin(confirmed)
        found = mines["object"].isin(claims.loc[sure, "partner"])
        rows.append((found.mean(), (sure & ~claims["right"]).sum() / exposure, rule))
    print(f"Detection: {len(mines)} new mines, {claims['right'].sum()} found in time, {(~claims['right']).sum()} false")
    rows.sort(key=lambda row: (row[1] > MOST_FALSE, -row[0], row[1]))
    for recall, false, rule in rows[:5]:
        told = rule.model_dump(
            include={"second_look_probability", "probability", "neighbour_probability", "added_per_doubling"}
        )
        print(f"  confirmed {recall:.1%} of the new mines, {false:.1f} false per 1 000 km² and period: {told}")
    return rows[0][2]


def _evidence(sites: gpd.GeoDataFrame) -> list[pd.DataFrame]:
    """Rows of each region and period with the number of looks so far; clouds of earlier periods are left out."""
    metres = sites.to_crs(6933)  # metres wherever a region lies near the equator
    mapped = metres["hectares"] > 0
    metres = metres.assign(
        looks=mapped.groupby(metres["site_id"]).cumsum(),
        mapped_probability=metres["probability"].where(mapped & (metres["status"] != SiteStatus.CANDIDATE)),
        periods=metres["period"].rank(method="dense").astype(int),
    )
    return [rows for _, rows in metres.groupby(["region", "period"])]


def _replay(evidence: Sequence[pd.DataFrame], rule: ConfirmationSettings) -> set[str]:
    """Sites that a rule confirms by the end of the series."""
    confirmed: dict[str, str] = {}
    for rows in evidence:
        names = rows["site_id"].tolist()
        reasons = confirm(
            np.array([confirmed.get(name, NOTHING) for name in names], dtype=object),
            rows["looks"].to_numpy(np.int64), rows["mapped_probability"].to_numpy(), rows["periods"].to_numpy(np.int64),
            rows.geometry.to_numpy(), rule,
        )  # fmt: skip
        confirmed |= dict(zip(names, reasons, strict=True))
    return {name for name, reason in confirmed.items() if reason}


if __name__ == "__main__":
    sys.exit(main())
