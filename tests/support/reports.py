"""Made-up contents of a report that look like those of a real run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mining_the_mines.models.tables import importance_table
from mining_the_mines.reporting.classification_part import ClassificationData
from mining_the_mines.reporting.galleries import GalleryTile, Outcome
from mining_the_mines.reporting.page import ReportData
from mining_the_mines.reporting.pictures import true_colour
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.tables import difference_table, score_table, scores_by_category
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_thresholds

SKILL = {"trees": 1.2, "maxvit": 1.4, "blend": 1.6}
LOOK_ALIKES = ("forest", "river", "town", "bare soil")
BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")


def make_folds(chips: int, seed: int = 0) -> pd.DataFrame:
    """Chips in places of the Amazon basin, in five folds and a test split."""
    rng = np.random.default_rng(seed)
    places = max(6, chips // 4)
    west_north = np.column_stack([rng.uniform(-72, -52, places), rng.uniform(-12, 5, places)])
    place = rng.integers(0, places, chips)
    label = rng.integers(0, 2, chips)
    fold = pd.Series(place % 6, dtype="Int64")
    fold = fold.mask(fold == 5)
    return pd.DataFrame(
        {
            "filename": [f"chip_{index:04d}.tif" for index in range(chips)],
            "label": label,
            "category": np.where(label == 1, "gold mine", rng.choice(LOOK_ALIKES, chips)),
            "longitude": west_north[place, 0] + rng.normal(0, 0.05, chips),
            "latitude": west_north[place, 1] + rng.normal(0, 0.05, chips),
            "place": [f"place-{index}" for index in place],
            "split": np.where(fold.isna(), "test", "train"),
            "fold": fold,
        }
    )


def make_predictions(folds: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Predictions of three models of growing skill, which find some look-alikes harder."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.9, len(folds)) + 0.9 * (folds["category"] == "river").to_numpy()
    tables = []
    for model, skill in SKILL.items():
        logit = skill * (2 * folds["label"] - 1) + shared + rng.normal(0, 0.6, len(folds))
        chance = 1 / (1 + np.exp(-logit))
        tables.append(folds.drop(columns="split").assign(model=model, probability=chance))
    return pd.concat(tables, ignore_index=True)


def make_chip(seed: int, size: int, *, mine: bool) -> NDArray[np.float32]:
    """Red, green and blue reflectance of woods with, perhaps, a bright pit."""
    rng = np.random.default_rng(seed)
    relief = gaussian_filter(rng.normal(0, 1, (size, size)), 3)
    woods = np.array([0.03, 0.05, 0.03])[:, None, None] * (1 + 2 * relief)
    chip = woods + rng.normal(0, 0.002, (3, size, size))
    if mine:
        rows, columns = np.mgrid[:size, :size]
        centre = rng.uniform(0.3, 0.7, 2) * size
        distance = np.hypot(rows - centre[0], columns - centre[1]) + 12 * relief
        pit = distance < size / 5
        chip = np.where(pit, np.array([0.26, 0.21, 0.16])[:, None, None] + relief * 0.06, chip)
    return chip.astype(np.float32)


def make_gallery(folds: pd.DataFrame, each: int = 6, size: int = 64) -> tuple[GalleryTile, ...]:
    """As many chips of each outcome, with an attention of a quarter of their size."""
    kinds: tuple[tuple[Outcome, int], ...] = (("TP", 1), ("FP", 0), ("FN", 1), ("TN", 0))
    tiles = []
    for kind, label in kinds:
        rows = folds[folds["label"] == label].head(each)
        for index, row in enumerate(rows.itertuples()):
            chip = make_chip(index, size, mine=label == 1)
            brightness = gaussian_filter(chip.mean(axis=0), size / 20)[::4, ::4]
            tiles.append(
                GalleryTile(
                    filename=str(row.filename),
                    kind=kind,
                    probability=0.9 - 0.05 * index if kind in {"TP", "FP"} else 0.05 * index,
                    true_colour=true_colour(chip),
                    attention=brightness - brightness.min(),
                    category=str(row.category),
                    longitude=float(str(row.longitude)),
                    latitude=float(str(row.latitude)),
                )
            )
    return tuple(tiles)


def make_learning_curves(folds: int = 5, epochs: int = 20, model: str | None = None) -> pd.DataFrame:
    """Losses that fall and scores that rise, with the usual gap."""
    rng = np.random.default_rng(3)
    rows = []
    for fold in range(folds):
        for epoch in range(epochs):
            progress = 1 - np.exp(-epoch / 6)
            for stage, gap in (("train", 0.0), ("validation", 0.08)):
                noise = rng.normal(0, 0.015)
                rows.append((fold, epoch, stage, "loss", 0.7 - 0.45 * progress + gap + noise))
                rows.append((fold, epoch, stage, "roc_auc", 0.6 + 0.36 * progress - gap + noise))
    table = pd.DataFrame(rows, columns=["fold", "epoch", "stage", "metric", "value"])
    return table if model is None else table.assign(model=model)


def make_importances(models: Sequence[str] = ("trees",), folds: int = 5) -> pd.DataFrame:
    """Importances of each model, as training writes them: of families of features, over folds."""
    rng = np.random.default_rng(4)
    families = [f"ND_{first}_{second}" for first in BANDS for second in BANDS if first < second]
    means = np.linspace(0.09, 0.0, len(families)) ** 1.5
    losses = [dict(zip(families, means * rng.uniform(0.7, 1.3, len(families)), strict=True)) for _ in range(folds)]
    return pd.concat([importance_table(losses).assign(model=model) for model in models], ignore_index=True)


def make_manifest(folds: pd.DataFrame) -> pd.DataFrame:
    """All chips accepted but three."""
    accepted = folds[["filename", "label", "category"]].assign(
        width=64, height=64, bands=",".join(BANDS), dtype="uint16", crs="EPSG:32720"
    )
    accepted = accepted.assign(verdict="accepted", reason=None)
    rejected = pd.DataFrame(
        {
            "filename": ["train_718.tif", "train_788.tif", "notes & <drafts>.tif"],
            "verdict": "rejected",
            "reason": ["all zero", "all zero", "unreadable: not a TIFF"],
        }
    )
    return pd.concat([accepted, rejected], ignore_index=True)


def make_band_statistics() -> pd.DataFrame:
    """Six bands as over woods."""
    median = np.array([0.03, 0.05, 0.04, 0.28, 0.17, 0.09])
    shares = {"p2": 0.5, "p25": 0.8, "p50": 1.0, "p75": 1.3, "p98": 2.2}
    table = pd.DataFrame({"band": BANDS, "mean": median * 1.1, "std": median * 0.4})
    return table.assign(**{name: median * share for name, share in shares.items()})


def make_classification(folds: pd.DataFrame, *, tiles: int = 2, resamples: int = 50) -> ClassificationData:
    """All that a report can show of chip classifiers."""
    predictions = make_predictions(folds)
    thresholds = choose_thresholds(predictions, ThresholdSettings())
    settings = BootstrapSettings(resamples=resamples)
    return ClassificationData(
        chosen_model="blend",
        predictions=predictions,
        thresholds=thresholds,
        score_table=score_table(predictions, thresholds, settings),
        category_table=scores_by_category(predictions, thresholds, settings),
        difference_table=difference_table(predictions, thresholds, settings),
        learning_curves=make_learning_curves(model="maxvit"),
        importances=make_importances(),
        gallery=make_gallery(folds, tiles),
    )


def make_report_data(chips: int = 120, *, tiles: int = 2, resamples: int = 50) -> ReportData:
    """A whole report's contents on chip classifiers."""
    folds = make_folds(chips)
    return ReportData(
        title="Gold mines in the Amazon basin",
        classification=make_classification(folds, tiles=tiles, resamples=resamples),
        manifest=make_manifest(folds),
        folds=folds,
        band_statistics=make_band_statistics(),
        run_facts={
            "Run": "2026-11-22T12.00.00.000Z",
            "Git commit": "3fbc53a1c0ffee",
            "Uncommitted changes": "no",
            "Data": "sha256 5f2d…",
            "Python": "3.11.7",
            "Environment": "amazon_mines",
        },
        parameters={"folds.distance_km": "20.0", "training.model": "maxvit_tiny_tf_512"},
        caveats=("Labels were verified from pictures, not on the ground.",),
    )
