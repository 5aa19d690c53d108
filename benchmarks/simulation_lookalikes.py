"""Can a threshold on one number find the mines of the simulated landscape?

Prints the best statistics of the default indices, and of the bare bands for comparison, beside a gradient boosting on
all of them that is asked about each region by what the others taught it. Run it with
``python benchmarks/simulation_lookalikes.py``; it fails if one index reaches an area under the curve of 0.9.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES
from mining_the_mines.simulation import SeriesSettings, write_simulated_series
from mining_the_mines.simulation.difficulty import GridChips, chip_statistics, cut_truth, separabilities

SHOWN = 6
LIMIT = 0.9


def main() -> int:
    """Simulate the default series and print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "simulated"
        start, cpu = time.perf_counter(), time.process_time()
        write_simulated_series(folder, SeriesSettings())
        print(f"simulated in {time.perf_counter() - start:.1f} s ({time.process_time() - cpu:.1f} s of processor time)")
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{size / 2**20:.0f} MiB on disk\n")
        chips = cut_truth(folder)
    mines = chips.mines()
    for region in sorted(set(chips.regions)):
        here = np.array([name == region for name in chips.regions])
        print(f"{region:16} {np.count_nonzero(mines[here]):3d} of {np.count_nonzero(here)} chips show a mine")
    print(f"\n{'quantity':10} {'statistic':10} {'AUC':>6}")
    for quantities in (DEFAULT_INDICES, COMPETITION_BANDS):
        for row in separabilities(chips, quantities)[:SHOWN]:
            print(f"{row.quantity:10} {row.statistic:10} {row.auc:6.3f}")
        print()
    _print_boosting(chips, mines)
    best = separabilities(chips)[0].auc
    print(f"best single index: AUC {best:.3f}, limit {LIMIT}: {'kept' if best < LIMIT else 'MISSED'}")
    return int(best >= LIMIT)


def _print_boosting(chips: GridChips, mines: np.ndarray) -> None:
    """Print what all the statistics together reach in a region that was not learnt from."""
    features = chip_statistics(chips, (*COMPETITION_BANDS, *DEFAULT_INDICES)).reshape(len(mines), -1)
    groups = np.array(chips.regions)
    model = HistGradientBoostingClassifier(max_iter=90, class_weight="balanced", random_state=0)
    scores = cross_val_predict(model, features, mines, groups=groups, cv=LeaveOneGroupOut(), method="predict_proba")
    for region in np.unique(groups):
        here = groups == region
        auc, f1 = roc_auc_score(mines[here], scores[here, 1]), f1_score(mines[here], scores[here, 1] > 0.5)
        print(f"gradient boosting on all of them, {region} by the other regions: AUC {auc:.3f}, F1 at 0.5 {f1:.3f}")
    print()


if __name__ == "__main__":
    sys.exit(main())
