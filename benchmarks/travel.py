"""How the Amazon classifier travels: out-of-fold AUC when whole regions are held out, against a random forest.

Rival: a random forest on means, deviations and percentiles of bands and spectral indices, on the same folds. Chips of
one place are never split; places are the labels' groups, or clusters that lie 100 and 300 km apart. No test split is
taken off, so that every chip is scored.

    python benchmarks/travel.py --chips ../shared/data/amazon_mines [--networks 3]
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.config import OmegaConfigLoader
from sklearn.ensemble import RandomForestClassifier

from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.folder import ChipFolder, read_labels
from mining_the_mines.chips.folds import FoldSettings, assign_folds
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import pack_chips
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.chips.statistics import summarise_bands
from mining_the_mines.models.blend import fit_blend
from mining_the_mines.models.cross_validation import cross_validate
from mining_the_mines.models.kinds import ChipLayout, LabelledChips, ModelKinds
from mining_the_mines.scoring.bootstrap import BootstrapSettings, bootstrap_intervals
from mining_the_mines.scoring.metrics import weighted_scores

PROJECT = Path(__file__).parents[1]
PLACES: dict[str, dict[str, Any]] = {
    "given groups": {"group_by": "group"},
    "100 km": {"group_by": "distance", "distance_km": 100.0},
    "300 km": {"group_by": "distance", "distance_km": 300.0},
}


def main() -> None:
    """Print a table: one row a kind of place and a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chips", type=Path, default=PROJECT.parent / "shared/data/amazon_mines")
    parser.add_argument("--networks", type=int, help="networks a fold; by default as in conf/amazon_mines, 0 for none")
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    options = parser.parse_args()
    if not options.chips.is_dir():
        parser.error(f"{options.chips} does not exist: say with --chips where the chips of Amazon mines lie")
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"), base_env="base", env="amazon_mines", merge_strategy={"parameters": "soft"}
    )
    parameters: dict[str, Any] = loader["parameters"] | loader["parameters"]["classification"]
    settings = ChipSettings(**parameters["imagery"])
    folder = ChipFolder(options.chips / "images", read_labels(options.chips / "labels.csv"))
    manifest = take_inventory(folder, settings)
    with tempfile.TemporaryDirectory() as scratch:
        packed = pack_chips(folder, manifest, settings, Path(scratch) / "packed")
        features = extract_features(packed, FeatureSettings(**parameters["features"]))
        simple = extract_features(packed, _simple(parameters))
        for name, place in PLACES.items():
            folds = assign_folds(manifest, FoldSettings(test_share=0, seed=options.seed, **place))
            started = time.perf_counter()
            predictions = {"random forest": _forest(simple, folds)}
            models = dict(parameters["models"])
            if options.networks is not None:
                models["network"] = models["network"] | {"networks": options.networks} if options.networks else None
            data = LabelledChips(packed, folds, summarise_bands(packed, folds), features)
            layout = ChipLayout(bands=packed.bands, chip_size=packed.array.shape[-1])
            results = cross_validate(ModelKinds(models).kinds, data, layout, Path(scratch) / "checkpoints", None)
            trained = pd.DataFrame(
                {
                    model: pd.Series(result.probabilities, index=list(result.filenames))
                    for model, result in results.items()
                }
            )
            predictions |= {str(model): column for model, column in trained.items()}
            predictions["blend"] = fit_blend(trained, folds)[1]
            _print(name, folds, predictions, time.perf_counter() - started)


def _simple(parameters: dict[str, Any]) -> FeatureSettings:
    return FeatureSettings(indices=parameters["features"]["indices"], families=("moments", "percentiles"))


def _forest(features: pd.DataFrame, folds: pd.DataFrame) -> "pd.Series[float]":
    table = folds.set_index("filename")
    values, labels = features.loc[table.index].to_numpy(), table["label"].to_numpy(dtype=int)
    probabilities = pd.Series(np.nan, index=table.index)
    for fold in table["fold"].unique():
        held_out = (table["fold"] == fold).to_numpy()
        forest = RandomForestClassifier(500, random_state=0).fit(values[~held_out], labels[~held_out])
        probabilities[held_out] = forest.predict_proba(values[held_out])[:, 1]
    return probabilities


def _print(name: str, folds: pd.DataFrame, predictions: dict[str, "pd.Series[float]"], seconds: float) -> None:
    table = folds.set_index("filename")
    print(f"\n{name}: {table['place'].nunique()} places, {len(table)} chips, {seconds / 60:.1f} min")
    rival = _auc(table, predictions["random forest"], lambda rows: rows["label"].notna())[0]
    for model, probabilities in predictions.items():
        everything = _auc(table, probabilities, lambda rows: rows["label"].notna())
        hard = _auc(table, probabilities, lambda rows: rows["category"] != "forest")
        ratio = (1 - everything[0]) / (1 - rival)
        print(
            f"  {model:14} AUC {_shown(everything)}   without forest {_shown(hard)}   "
            f"1 − AUC is {ratio:.2f} × the random forest's",
            flush=True,
        )


def _auc(
    table: pd.DataFrame, probabilities: "pd.Series[float]", chosen: Callable[[pd.DataFrame], "pd.Series[bool]"]
) -> tuple[float, float, float]:
    rows = table[chosen(table)]
    scorer = weighted_scores(rows["label"], probabilities.loc[rows.index], 0.5, ("roc_auc",))
    return bootstrap_intervals(scorer, rows["place"], BootstrapSettings())["roc_auc"]


def _shown(figure: tuple[float, float, float]) -> str:
    return f"{figure[0]:.3f} ({figure[1]:.3f}–{figure[2]:.3f})"


if __name__ == "__main__":
    main()
