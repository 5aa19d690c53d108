"""Which novelty finds errors far from home: the distance of figures of bands, in the space of the encoder, or both?

Amazon chips in folds that lie 300 km apart: each fold is scored by a model and by both novelties, which have seen the
other folds alone. Simulated chips: trees and novelties have seen rainforest, and score provinces of rainforest (out of
fold), savanna and dryland. A chip is wrong if the model's out-of-fold threshold decides it wrongly. Printed is the ROC
AUC of "wrong" by novelty, with intervals by place: 0.5 says that novelty tells nothing of errors. The Amazon's models
are the parts of ``travel.py`` in the folder of results.

    python benchmarks/travel.py --chips amazon --blocking 300 --start trees --start simulated --networks 2
    python benchmarks/novelty.py
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from adaptation import simulated_chips
from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.models.cross_validation import cross_validate
from mining_the_mines.models.embedding import build_embedding
from mining_the_mines.models.ensemble import predict_packed
from mining_the_mines.models.kinds import ChipLayout, LabelledChips, ModelKinds
from mining_the_mines.models.novelty import Cloud, FloatArray
from mining_the_mines.scoring.bootstrap import BootstrapSettings, bootstrap_intervals, paired_difference
from mining_the_mines.scoring.metrics import weighted_scores
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_threshold
from travel import PROJECT, Bench

#: Parts of travel.py whose errors are ranked.
PARTS: Final = "amazon-300-"

#: Fold of chips that nothing has learnt from.
ABROAD: Final = -1
FIGURES: Final = FeatureSettings(indices=(), families=("moments", "texture", "patchiness"))
EMBEDDING: Final = FeatureSettings(indices=(), families=("embedding",), encoder="simulated")
#: Novelty of chips by its name.
Distances = dict[str, "pd.Series[float]"]


def main() -> int:
    """Print a line for each model and novelty."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared/data", help="folder of the data sets")
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    parser.add_argument("--results", type=Path, default=PROJECT / "data/travel", help="folder of travel.py's parts")
    options = parser.parse_args()
    models = {
        file.stem: pd.read_csv(file).set_index("filename") for file in sorted(options.results.glob(f"{PARTS}*.csv"))
    }
    if not models:
        parser.error(f"{options.results} holds no part of the Amazon chips at 300 km: train some with travel.py")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench("amazon", "300", options, Path(scratch))
        chips = bench.labelled
        distances = measure(chips.packed, chips.folds)
        for name, table in models.items():
            report(name.removeprefix(PARTS), table, choose(table), distances)
        table, threshold, distances = simulate(bench.parameters, Path(scratch))
    report("trees on simulated provinces", table, threshold, distances)
    return 0


def choose(table: pd.DataFrame) -> float:
    """Threshold of out-of-fold probabilities."""
    return choose_threshold(table["label"].to_numpy(int), table["probability"].to_numpy(float), ThresholdSettings())


def simulate(parameters: dict[str, Any], scratch: Path) -> tuple[pd.DataFrame, float, Distances]:
    """Chips of all provinces with the probabilities of trees that have seen rainforest; their threshold; novelty."""
    chips = simulated_chips(tuple(parameters["imagery"]["bands"]), str(scratch))
    away = chips.table["region"].isin(chips.away)
    folds = chips.table.assign(split="train", fold=pd.factorize(chips.table["place"])[0] % 5)
    folds.loc[away, "fold"] = ABROAD
    settings = FeatureSettings(**parameters["features"] | {"families": ("cover",)})
    data = LabelledChips(
        chips.packed, folds[~away].reset_index(drop=True), {}, extract_features(chips.packed, settings)
    )
    layout = ChipLayout(bands=chips.packed.bands, chip_size=chips.packed.array.shape[-1], features=settings)
    kinds = ModelKinds({"trees": parameters["classification"]["models"]["trees"]}).kinds
    trees = cross_validate(kinds, data, layout, scratch / "trees", 1)["trees"]
    abroad = folds.loc[away, "filename"].tolist()
    found = pd.concat(
        [
            pd.Series(trees.probabilities, list(trees.filenames)),
            pd.Series(predict_packed(trees.model.module, chips.packed, abroad, 32), abroad),
        ]
    )
    table = folds.assign(probability=folds["filename"].map(found)).set_index("filename")
    return table, choose(table[table["fold"] != ABROAD]), measure(chips.packed, folds)


def measure(packed: PackedChips, folds: pd.DataFrame) -> Distances:
    """Novelty of every chip by the chips of other folds at home."""
    embedding = build_embedding(EMBEDDING, packed.bands, packed.array.shape[-1])
    rows, fold = packed.rows(folds["filename"].tolist()), folds["fold"].to_numpy()
    tables = {
        "figures": extract_features(packed, FIGURES),
        "encoder": extract_features(packed, EMBEDDING, embedding=embedding),
    }
    found: Distances = {}
    for name, table in tables.items():
        figures: FloatArray = table.to_numpy(dtype=np.float64)[rows]
        far = np.full(len(folds), np.nan)
        for each in np.unique(fold):
            home = figures[(fold != each) & (fold != ABROAD)]
            far[fold == each] = Cloud.of(home).distance(figures[fold == each])
        found[name] = pd.Series(far, index=folds["filename"].tolist()).rank(pct=True)
    return found | {"larger": pd.DataFrame(found).max(axis=1)}


def report(name: str, table: pd.DataFrame, threshold: float, distances: Distances) -> None:
    """Print how well each novelty ranks the errors of a model."""
    called = table["probability"] >= threshold
    wrong = (called != (table["label"] == 1)).astype(int)
    print(f"\n{name}: {wrong.sum()} of {len(wrong)} chips are decided wrongly", flush=True)
    scorers: dict[str, Any] = {
        space: weighted_scores(wrong, far.loc[table.index], 0.5, ("roc_auc",)) for space, far in distances.items()
    }
    for space, scorer in scorers.items():
        (found,) = bootstrap_intervals(scorer, table["place"], BootstrapSettings()).values()
        print(f"  {space:8} AUC of wrong {found.value:.3f} ({found.low:.3f} to {found.high:.3f})")
    for one, other in (("encoder", "figures"), ("larger", "encoder")):
        (lead,) = paired_difference(scorers[one], scorers[other], table["place"], BootstrapSettings()).values()
        print(f"  {one} minus {other} {lead.value:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})")


if __name__ == "__main__":
    sys.exit(main())
