"""Can a threshold on one number find the mines of the simulated landscape?

Prints the best statistics of the default indices, and of the bare bands for comparison, beside a gradient boosting on
all of them that is asked about each region by what the others taught it. Run it with
``python benchmarks/simulation_lookalikes.py``; it fails if one index reaches an area under the curve of 0.9.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES, compute_index
from mining_the_mines.sentinel2.reflectance import decode
from mining_the_mines.simulation import SeriesSettings, write_simulated_series
from mining_the_mines.simulation.settings import FIELD

SHOWN = 6
LIMIT = 0.9
PERCENTILES = (1, 2, 5, 25, 50, 75, 95, 98, 99)
STATISTICS = ("mean", "std", *(f"p{percentile}" for percentile in PERCENTILES))
#: Mines are drawn in so many cells along a pixel's edge, so that shares of a chip come out right.
_CELLS = 2


@dataclass(frozen=True)
class GridChips:
    """Chips on a grid over all regions of a series.

    Attributes:
        reflectance: float32 (chips, 12, size, size), bands in the order of ``COMPETITION_BANDS``.
        shares: Share of each chip that belongs to a mine, float64 (chips,).
        regions: Of each chip.
    """

    reflectance: NDArray[np.float32]
    shares: NDArray[np.float64]
    regions: tuple[str, ...]

    def mines(self, share: float = 0.01) -> NDArray[np.bool_]:
        """Which chips show a mine: those that belong to one by this share or more."""
        shown: NDArray[np.bool_] = self.shares >= share
        return shown


@dataclass(frozen=True)
class Separability:
    """How well one number tells mines from the rest.

    Attributes:
        quantity: A band or an index.
        statistic: Of its values in a chip: ``mean``, ``std`` or a percentile such as ``p95``.
        auc: Area under the ROC curve, 0.5 to 1, whichever side of the threshold the mines are on.
    """

    quantity: str
    statistic: str
    auc: float


def cut_truth(folder: Path, size: int = FIELD) -> GridChips:
    """Cut the truth rasters of a series into chips.

    Args:
        folder: As written by :func:`mining_the_mines.simulation.series.write_simulated_series`.
        size: Edge of a chip in pixels; what is left over at the edges of a region is not used.

    Returns:
        The chips, region by region and row by row.
    """
    images, shares, regions = [], [], []
    for path in sorted((folder / "truth").glob("*.tif")):
        with rasterio.open(path) as raster:
            reflectance = decode(raster.read())
            cover = _mine_cover(folder / "mines.gpkg", raster)
        rows, columns = (length // size for length in cover.shape)
        for row, column in np.ndindex(rows, columns):
            window = (slice(row * size, (row + 1) * size), slice(column * size, (column + 1) * size))
            images.append(reflectance[(slice(None), *window)])
            shares.append(float(cover[window].mean()))
            regions.append(path.stem)
    return GridChips(np.stack(images), np.array(shares), tuple(regions))


def _mine_cover(mines: Path, raster: DatasetReader) -> NDArray[np.float32]:
    """Compute how much of each pixel belongs to a mine, 0 to 1."""
    shape = raster.shape
    outlines = pyogrio.read_dataframe(mines, where=f"region = '{Path(raster.name).stem}'").to_crs(raster.crs).geometry
    fine = (shape[0] * _CELLS, shape[1] * _CELLS)
    cells = rasterize(outlines, out_shape=fine, transform=raster.transform @ Affine.scale(1 / _CELLS))
    cover: NDArray[np.float32] = cells.reshape(shape[0], _CELLS, shape[1], _CELLS).mean(axis=(1, 3), dtype=np.float32)
    return cover


def separabilities(chips: GridChips, quantities: Sequence[str] = DEFAULT_INDICES) -> list[Separability]:
    """Score every statistic of every quantity as if it were a classifier.

    Args:
        chips: With and without mines.
        quantities: Bands and indices.

    Returns:
        One row a quantity and statistic, the best first.
    """
    table = chip_statistics(chips, quantities)
    mines = chips.mines()
    rows = [
        Separability(quantity, statistic, _area_under_curve(table[:, row, column], mines))
        for row, quantity in enumerate(quantities)
        for column, statistic in enumerate(STATISTICS)
    ]
    return sorted(rows, key=lambda row: -row.auc)


def chip_statistics(chips: GridChips, quantities: Sequence[str]) -> NDArray[np.float64]:
    """Describe each chip by a few numbers.

    Args:
        chips: Which ones.
        quantities: Bands and indices.

    Returns:
        Shape (chips, quantities, statistics), statistics in the order of :data:`STATISTICS`.
    """
    return np.stack([_describe(image, quantities) for image in chips.reflectance])


def _describe(image: NDArray[np.float32], quantities: Sequence[str]) -> NDArray[np.float64]:
    bands = dict(zip(COMPETITION_BANDS, image, strict=True))
    rows = []
    for quantity in quantities:
        values = bands[quantity] if quantity in bands else compute_index(quantity, bands)
        rows.append([values.mean(), values.std(), *np.percentile(values, PERCENTILES)])
    return np.array(rows, dtype=np.float64)


def _area_under_curve(values: NDArray[np.float64], mine: NDArray[np.bool_]) -> float:
    """Mann and Whitney's statistic, which is the area under the ROC curve."""
    mines = int(mine.sum())
    others = mine.size - mines
    area = (rankdata(values)[mine].sum() - mines * (mines + 1) / 2) / (mines * others)
    return float(max(area, 1 - area))


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
