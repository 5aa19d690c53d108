"""How a classifier does in a new region before and after adaptation: F1 with 0, 10, 20 and 50 labels, and novelty.

Amazon chips: all places of one region (clusters that lie 300 km apart, of 36 chips or more) are left out, one after
the other. Simulated chips: trained in rainforest, adapted to provinces of savanna and dryland. Models are trees and a
logistic regression on land-cover features. Labels are drawn at random, 20 times; F1 is of the region's other chips. The
rivals are the model's own threshold, a threshold chosen on the labels themselves, and without labels the share of mines
by Saerens et al. (2002).

    python benchmarks/adaptation.py --chips ../shared/data/amazon_mines
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from kedro.config import OmegaConfigLoader
from numpy.typing import NDArray

from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.folder import ChipFolder, read_labels
from mining_the_mines.chips.folds import FoldSettings, find_places
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import PackedChips, pack_chips, pack_in_memory
from mining_the_mines.chips.quality import ACCEPTED, ChipSettings
from mining_the_mines.models.cross_validation import cross_validate
from mining_the_mines.models.ensemble import predict_packed
from mining_the_mines.models.kinds import ChipLayout, LabelledChips, ModelKinds
from mining_the_mines.models.novelty import UNLIKE, fit_novelty
from mining_the_mines.scoring.adaptation import AdaptationSettings, adapt
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.calibration import calibrate_at_home, log_odds_of
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_threshold
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.simulation import SeriesSettings, write_simulated_series
from mining_the_mines.simulation.places import PROVINCES, Biome
from simulation_lookalikes import cut_truth

PROJECT: Final = Path(__file__).parents[1]
LABELS: Final = (0, 10, 20, 50)
LEAST_CHIPS: Final = 36
SETTINGS: Final = AdaptationSettings(bootstrap=BootstrapSettings(resamples=20))


@dataclass(frozen=True)
class Chips:
    """Chips of many regions.

    Attributes:
        packed: Their pixels.
        table: ``filename``, ``label``, ``place`` and ``region``.
        away: Regions to leave out; ``together`` if they all are left out of one training.
        together: See ``away``.
    """

    packed: PackedChips
    table: pd.DataFrame
    away: tuple[str, ...]
    together: bool


def main() -> None:
    """Print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chips", type=Path, default=PROJECT.parent / "shared/data/amazon_mines")
    parser.add_argument("--draws", type=int, default=20, help="times that labels are drawn")
    options = parser.parse_args()
    if not options.chips.is_dir():
        parser.error(f"{options.chips} does not exist: say with --chips where the chips of Amazon mines lie")
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"), base_env="base", env="amazon_mines", merge_strategy={"parameters": "soft"}
    )
    parameters: dict[str, Any] = loader["parameters"]
    with tempfile.TemporaryDirectory() as scratch:
        bands = tuple(parameters["imagery"]["bands"])
        for name, chips in (
            ("Amazon, a region left out", amazon_chips(options.chips, ChipSettings(**parameters["imagery"]), scratch)),
            ("simulation, another biome", simulated_chips(bands, scratch)),
        ):
            report(name, pd.DataFrame(trials(chips, parameters, options.draws, Path(scratch))))


def amazon_chips(folder: Path, settings: ChipSettings, scratch: str) -> Chips:
    """Chips of the Amazon, in regions that lie 300 km apart."""
    chips = ChipFolder(folder / "images", read_labels(folder / "labels.csv"))
    manifest = take_inventory(chips, settings)
    usable = manifest[manifest["verdict"] == ACCEPTED].reset_index(drop=True)
    region = find_places(usable, FoldSettings(group_by="distance", distance_km=300))
    table = usable.assign(region=region, place=usable["group"])
    sizes = table["region"].value_counts()
    return Chips(pack_chips(chips, manifest, settings, Path(scratch) / "amazon"), table, _large(sizes), together=False)


def _large(sizes: "pd.Series[int]") -> tuple[str, ...]:
    return tuple(sorted(str(name) for name, size in sizes.items() if size >= LEAST_CHIPS))


def simulated_chips(bands: tuple[str, ...], scratch: str) -> Chips:
    """Chips of simulated provinces, from rasters of the truth: clear ground without clouds."""
    names = tuple(province.name for province in PROVINCES)
    series = SeriesSettings(provinces=names, pixels=768, mines=30, dates=1, seed=77)
    write_simulated_series(Path(scratch) / "simulation", series)
    cut = cut_truth(Path(scratch) / "simulation")
    files = [f"{region}_{number}.tif" for number, region in enumerate(cut.regions)]
    pixels = list(cut.reflectance[:, [COMPETITION_BANDS.index(band) for band in bands]])
    table = pd.DataFrame({"filename": files, "label": cut.mines().astype(int), "region": cut.regions})
    number = table.groupby("region").cumcount()
    table["place"] = table["region"] + "/" + (number // 12 // 3 * 4 + number % 12 // 3).astype(str)  # blocks of 3 × 3
    away = tuple(province.name for province in PROVINCES if province.biome is not Biome.RAINFOREST)
    return Chips(pack_in_memory(pixels, files, bands), table, away, together=True)


def trials(chips: Chips, parameters: dict[str, Any], draws: int, scratch: Path) -> Iterator[dict[str, Any]]:
    """F1 of every region, model, number of labels, draw and method."""
    settings = FeatureSettings(**parameters["features"] | {"families": ("cover",)})
    features = extract_features(chips.packed, settings)
    models = {name: parameters["classification"]["models"][name] for name in ("trees", "logistic")}
    layout = ChipLayout(bands=chips.packed.bands, chip_size=chips.packed.array.shape[-1], features=settings)
    for left_out in [chips.away] if chips.together else [(region,) for region in chips.away]:
        home = chips.table[~chips.table["region"].isin(left_out)]
        folds = home.assign(split="train", fold=pd.factorize(home["place"])[0] % 5).reset_index(drop=True)
        data = LabelledChips(chips.packed, folds, {}, features)
        results = cross_validate(ModelKinds(models).kinds, data, layout, scratch / "-".join(left_out), 1)
        novelty = fit_novelty(chips.packed, folds)
        for region in left_out:
            rows = chips.table[chips.table["region"] == region]
            names = rows["filename"].tolist()
            reflectance = np.stack([chips.packed.reflectance(int(row)) for row in chips.packed.rows(names)])
            unlike = float((novelty.score(reflectance) >= UNLIKE).mean())
            for model, result in results.items():
                out_of_fold = pd.Series(result.probabilities, list(result.filenames)).loc[folds["filename"]].to_numpy()
                there = rows.assign(probability=predict_packed(result.model.module, chips.packed, names, 32))
                fitted = out_of_fold, folds["label"].to_numpy(dtype=np.int64)
                for trial in _draw(there, fitted, draws):
                    yield {"region": region, "model": model, "unlike": unlike, **trial}


def _draw(
    there: pd.DataFrame, home: tuple[NDArray[np.float64], NDArray[np.int64]], draws: int
) -> Iterator[dict[str, Any]]:
    probabilities, labels = home
    calibration = calibrate_at_home(probabilities, labels)
    threshold = choose_threshold(labels, probabilities, ThresholdSettings())
    random = np.random.default_rng(0)
    truth, chance = there["label"].to_numpy(dtype=np.int64), there["probability"].to_numpy(dtype=np.float64)
    for count in LABELS:
        if count > 0.6 * len(there):
            continue
        for draw in range(draws):
            known = random.permutation(len(there)) < count
            while count and len(set(truth[known])) < 2:
                known = random.permutation(len(there)) < count
            chips = there.assign(label=pd.array(np.where(known, truth, -1), dtype="Int64"))
            chips.loc[~known, "label"] = pd.NA
            calls, suffices = {"model's own threshold": chance >= threshold}, False
            methods = {"adaptation": SETTINGS}
            if not count:
                methods["share of mines"] = SETTINGS.model_copy(update={"without_labels": "share"})
            for name, settings in methods.items():
                adapted = adapt(chips, threshold, calibration, settings)
                suffices = adapted.suffices
                calls[name] = adapted.calibration.apply(log_odds_of(chance)) >= adapted.threshold.value
            if count:
                calls["threshold on the labels"] = chance >= choose_threshold(
                    truth[known], chance[known], ThresholdSettings()
                )
            for name, called in calls.items():
                yield {
                    "labels": count, "draw": draw, "method": name, "suffices": suffices,
                    "f1": _f1(truth[~known] == 1, called[~known]),
                }  # fmt: skip


def _f1(mines: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    return float(2 * (mines & called).sum() / max(1, mines.sum() + called.sum()))


def report(name: str, table: pd.DataFrame) -> None:
    """Print F1 and gains, with intervals over regions, and the share of each region that is unlike home."""
    print(f"\n{name}")
    print(f"  share with novelty {UNLIKE:g} or more: {table.groupby('region')['unlike'].first().round(2).to_dict()}")
    mean = table.groupby(["labels", "method", "region"])["f1"].mean().unstack("region")  # noqa: PD010 - mean over what was grouped
    for labels, method in mean.index:
        row = mean.loc[(labels, method)]
        gain = (row - mean.loc[(labels, "model's own threshold")]).dropna().to_numpy()
        drawn = np.random.default_rng(0).choice(gain, (2000, len(gain))).mean(axis=1)
        low, high = np.quantile(drawn, (0.025, 0.975))
        print(
            f"  {labels:2} labels  {method:24} F1 {row.mean():.3f}   "
            f"gain {gain.mean():+.3f} ({low:+.3f} to {high:+.3f})   {len(gain)} regions"
        )
    enough = table[table["method"] == "adaptation"].groupby("labels")["suffices"].mean()
    print("  share of draws whose labels suffice: " + ", ".join(f"{n}: {share:.2f}" for n, share in enough.items()))


if __name__ == "__main__":
    main()
