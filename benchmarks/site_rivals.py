"""Choose the thresholds of the rivals of monitoring on regions for calibration: those with the best F1 of new sites.

Run the pipeline monitoring for other regions than those that are scored, and name the folder of its maps and the file
of true mines:

    python benchmarks/site_rivals.py data/simulated/07_model_output/monitoring \
        data/simulated/01_raw/changing_archive/mines.gpkg
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from mining_the_mines.datasets.monitoring import PeriodMapsDataset
from mining_the_mines.geo.dated_mines import read_dated_mines
from mining_the_mines.pipelines.monitoring.score_nodes import looks_of, rival_claims
from mining_the_mines.scoring.change_matching import compare_changes
from mining_the_mines.scoring.change_rivals import IndexDifference, MapDifference
from mining_the_mines.scoring.site_scores import SiteEvaluation, WeightedSiteScores

HECTARES = (0.4, 0.8, 1.6)
MAPS = [
    MapDifference(probability=probability, minimum_hectares=hectares)
    for probability, hectares in product((0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), HECTARES)
]
INDICES = [
    IndexDifference(ndvi_drop=drop, bare_rise=rise, minimum_hectares=hectares)
    for drop, rise, hectares in product((0.1, 0.2, 0.3, 0.4, 0.5), (0.1, 0.2, 0.3, 0.4), HECTARES)
]


def main() -> None:
    """Print the F1 of every candidate, the best ones last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path, help="folder of the maps by period")
    parser.add_argument("mines", type=Path, help="true mines with dates")
    given = parser.parse_args()
    looks = looks_of(PeriodMapsDataset(filepath=str(given.maps)).load())
    plans = [SiteEvaluation(map_difference=each) for each in MAPS]
    plans += [SiteEvaluation(index_difference=each) for each in INDICES]
    claims = {}
    for plan in plans:
        rival = "map_difference" if plan.index_difference == IndexDifference() else "index_difference"
        claims[f"{rival} {getattr(plan, rival)}"] = rival_claims(looks, plan)[rival]
    nothing = next(iter(claims.values())).iloc[:0].assign(hectares=np.nan)
    comparison = compare_changes(
        read_dated_mines(given.mines), [look for look, _ in looks], claims, nothing, SiteEvaluation().matching
    )
    objects, exposure = comparison.objects, sum(comparison.exposure.values())
    once = np.ones((1, len(objects)))
    rows = [(method, WeightedSiteScores(objects, method, exposure)(once)) for method in claims]
    table = pd.DataFrame(
        [{"method": method, **{name: float(of[0]) for name, of in row.items()}} for method, row in rows]
    )
    columns = ["method", "new_f1", "new_precision", "new_recall", "false_per_1000_km2"]
    print(table[columns].sort_values("new_f1").round(3).to_string(index=False))


if __name__ == "__main__":
    main()
