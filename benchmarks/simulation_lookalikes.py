"""Can a threshold on one number find the mines of the simulated landscape?

Prints the best statistics of the default indices, and of the bare bands for comparison, beside a gradient boosting on
all of them with folds grouped by place. Run it with ``python benchmarks/simulation_lookalikes.py``.
"""

import csv
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES
from mining_the_mines.simulation import SimulationSettings, write_simulated_chips
from mining_the_mines.simulation.difficulty import chip_statistics, separabilities

SHOWN = 6


def main() -> None:
    """Simulate the default data set and print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "simulated"
        start, cpu = time.perf_counter(), time.process_time()
        write_simulated_chips(folder, SimulationSettings())
        print(
            f"simulated in {time.perf_counter() - start:.1f} s ({time.process_time() - cpu:.1f} s of processor time)\n"
        )
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        filenames = [row["filename"] for row in rows]
        labels = np.array([int(row["label"]) for row in rows])
        groups = np.array([row["group"] for row in rows])
        print(f"{'quantity':10} {'statistic':10} {'AUC':>6}")
        for quantities in (DEFAULT_INDICES, COMPETITION_BANDS):
            for row in separabilities(folder / "images", filenames, labels.tolist(), quantities)[:SHOWN]:
                print(f"{row.quantity:10} {row.statistic:10} {row.auc:6.3f}")
            print()
        features = chip_statistics(folder / "images", filenames, (*COMPETITION_BANDS, *DEFAULT_INDICES))
    _print_boosting(features.reshape(len(labels), -1), labels, groups)


def _print_boosting(features: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> None:
    """Print what all the statistics together reach, out of fold, folds grouped by place."""
    model = HistGradientBoostingClassifier(max_iter=90, class_weight="balanced", random_state=0)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    scores = cross_val_predict(model, features, labels, groups=groups, cv=folds, method="predict_proba")[:, 1]
    print(
        f"all together, gradient boosting, out of fold: AUC {roc_auc_score(labels, scores):.3f}, "
        f"F1 at 0.5 {f1_score(labels, scores > 0.5):.3f}"
    )


if __name__ == "__main__":
    main()
