"""Scores of maps against reference polygons: mine by mine, and hectare by hectare, with intervals by site.

A site is a group of objects linked by common ground: a mapped mine with the reference mines that it touches. The
bootstrap draws sites, so that precision, recall and areas of a mine stay together. Intervals tell the scores of other
mines of the same scenes; only other regions tell how the model travels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.geo.mine_polygons import LON_LAT
from mining_the_mines.scoring.bootstrap import (
    UNDEFINED,
    BootstrapSettings,
    Bound,
    FloatArray,
    Interval,
    Scorer,
    bootstrap_intervals,
)
from mining_the_mines.scoring.map_matching import (
    OBJECT_COLUMNS,
    PREDICTION,
    REFERENCE,
    MapComparison,
    MapScoreSettings,
    size_class_titles,
)
from mining_the_mines.scoring.metrics import ratio

#: Figures with an interval, the most telling ones first.
MAP_METRICS: Final = (
    "object_f1", "object_precision", "object_recall", "touch_f1", "touch_precision", "touch_recall", "mean_iou",
    "area_iou", "area_bias_hectares", "area_bias_share",
)  # fmt: skip
#: Figures by class of size: of reference mines, and of mapped ones.
BY_REFERENCE_SIZE: Final = ("object_recall", "touch_recall", "mean_iou")
BY_PREDICTION_SIZE: Final = ("object_precision", "touch_precision")
#: What there was, without an interval.
MAP_TOTALS: Final = (
    "references", "predictions", "reference_hectares", "predicted_hectares", "common_hectares",
    "references_set_aside", "predictions_set_aside", "references_outside",
)  # fmt: skip
MAP_TITLES = MappingProxyType(
    {
        "object_f1": "F1 of mines",
        "object_precision": "Precision of mines",
        "object_recall": "Recall of mines",
        "touch_f1": "F1 by touch",
        "touch_precision": "Precision by touch",
        "touch_recall": "Recall by touch",
        "mean_iou": "Mean IoU of mines",
        "area_iou": "IoU of areas",
        "area_bias_hectares": "Area bias",
        "area_bias_share": "Relative area bias",
    }
)
#: Columns of the table of scores and their types.
MAP_SCORE_COLUMNS: Final = {
    "scene": "string", "size_class": "string", "metric": "str", "value": "float64", "low": "float64",
    "high": "float64", "objects": "int64", "sites": "int64",
}  # fmt: skip
#: Figures that are 1 if all goes well and 0 if nothing does, and the side whose objects they are about.
_SHARES = MappingProxyType(
    {
        "object_precision": PREDICTION,
        "touch_precision": PREDICTION,
        "object_recall": REFERENCE,
        "touch_recall": REFERENCE,
    }
)


@dataclass(frozen=True, eq=False)
class MapScores:
    """Scores of maps.

    Attributes:
        table: Long table with the columns :data:`MAP_SCORE_COLUMNS`: ``scene`` is missing for all scenes together,
            ``size_class`` for all sizes; ``value`` with ``low`` and ``high`` (missing without interval); ``objects``
            and ``sites`` that it is drawn from. Holds :data:`MAP_METRICS` and :data:`MAP_TOTALS`, then
            :data:`BY_REFERENCE_SIZE` and :data:`BY_PREDICTION_SIZE` by class. Areas are in hectares;
            ``references_outside`` is known for a single scene only, since a polygon outside one may lie in another.
        objects: Of all scenes, as in :class:`~mining_the_mines.scoring.map_matching.MapComparison`.
        settings: How maps and reference were compared.
        unscored: Scenes without any reference mine that were left out.
    """

    table: pd.DataFrame
    objects: gpd.GeoDataFrame
    settings: MapScoreSettings
    unscored: tuple[str, ...] = ()

    @property
    def compared(self) -> bool:
        """Whether any scene was compared with mines that are known."""
        return bool(set(self.table["scene"].dropna()) - set(self.unscored))


@dataclass(frozen=True, eq=False)
class WeightedMapScores(Scorer):
    """All of :data:`MAP_METRICS` under many weightings of the same objects at once.

    Precision asks of each mapped mine whether it is one, recall of each reference mine whether it was found: by a
    partner of its own with the IoU asked for (``object_``), or by anything that shares ground with it (``touch_``). F1
    is their harmonic mean; 0 where only one side has an object. ``mean_iou`` is that of reference mines with the
    mapped mine that fits best, 0 where there is none. Areas are those of all objects inside the scored area, counted
    or not.

    Attributes:
        objects: From :class:`~mining_the_mines.scoring.map_matching.MapComparison`.
    """

    objects: pd.DataFrame

    def __call__(self, weights: FloatArray) -> dict[str, FloatArray]:
        """Compute all of :data:`MAP_METRICS` for each weighting."""
        mapped, true = weights * self._of(PREDICTION), weights * self._of(REFERENCE)
        fit = self.objects["iou"].to_numpy()
        figures = {"mean_iou": ratio(true @ fit, true.sum(axis=1))}
        for kind, right in (("object", "matched"), ("touch", "touched")):
            hits = self.objects[right].to_numpy(dtype=np.float64)
            precision, recall = ratio(mapped @ hits, mapped.sum(axis=1)), ratio(true @ hits, true.sum(axis=1))
            figures |= {
                f"{kind}_precision": precision,
                f"{kind}_recall": recall,
                f"{kind}_f1": harmonic_mean(precision, recall),
            }
        figures |= self._by_area(weights)
        return {name: figures[name] for name in MAP_METRICS}

    def bounds(self) -> dict[str, Bound]:
        """Ranges of the shares, each with the objects that it is about."""
        return {name: Bound(self._of(side)) for name, side in _SHARES.items()}

    def _of(self, side: str) -> NDArray[np.bool_]:
        chosen: NDArray[np.bool_] = ((self.objects["side"] == side) & self.objects["counted"]).to_numpy(dtype=np.bool_)
        return chosen

    def _by_area(self, weights: FloatArray) -> dict[str, FloatArray]:
        is_true = (self.objects["side"] == REFERENCE).to_numpy(dtype=np.float64)
        hectares, shared = (self.objects[name].to_numpy() for name in ("hectares", "common_hectares"))
        true, mapped = weights @ (hectares * is_true), weights @ (hectares * (1 - is_true))
        common = weights @ (shared * is_true)
        return {
            "area_iou": ratio(common, true + mapped - common),
            "area_bias_hectares": mapped - true,
            "area_bias_share": ratio(mapped - true, true),
        }


def score_maps(
    comparisons: Sequence[MapComparison], settings: MapScoreSettings, bootstrap: BootstrapSettings
) -> MapScores:
    """Score maps, all together and scene by scene.

    Args:
        comparisons: Of each scene, from :func:`~mining_the_mines.scoring.map_matching.compare_with_reference`; scenes
            that overlap count their common mines twice.
        settings: As they were compared with.
        bootstrap: How intervals are drawn.

    Returns:
        The scores. A scene without any reference mine has no figures and is left out of the figures of all, unless
        ``settings.without_reference`` says that it has no mines.

    Raises:
        ValueError: If there is no scene, or two of the same name.
    """
    names = [comparison.scene for comparison in comparisons]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Maps are scored scene by scene, each under a name of its own; given: {', '.join(names)}.")
    unscored = tuple(comparison.scene for comparison in comparisons if not _is_scored(comparison, settings))
    objects = pd.concat([comparison.objects for comparison in comparisons], ignore_index=True)
    scored = objects[~objects["scene"].isin(unscored)]
    outside = {comparison.scene: comparison.references_outside for comparison in comparisons}
    rows = _figure_rows(pd.NA, scored, settings, bootstrap)
    # A polygon outside one scene may well lie in another.
    rows += _total_rows(pd.NA, scored, outside[names[0]] if len(names) == 1 else np.nan)
    for name in names:
        rows += _figure_rows(name, scored[scored["scene"] == name], settings, bootstrap)
        rows += _total_rows(name, objects[objects["scene"] == name], outside[name])
    table = pd.DataFrame(rows, columns=list(MAP_SCORE_COLUMNS)).astype(MAP_SCORE_COLUMNS)
    return MapScores(table, objects, settings, unscored)


def select_map_scores(table: pd.DataFrame, scene: str | None = None, size_class: str | None = None) -> pd.DataFrame:
    """Select the rows of a table of map scores.

    Args:
        table: With the columns :data:`MAP_SCORE_COLUMNS`.
        scene: A scene; all together by default.
        size_class: A class of size; all sizes by default.
    """
    chosen = pd.Series(data=True, index=table.index)
    for column, value in (("scene", scene), ("size_class", size_class)):
        chosen &= table[column].isna() if value is None else (table[column] == value).fillna(value=False)
    return table[chosen]


def without_scores(scenes: Sequence[str], settings: MapScoreSettings) -> MapScores:
    """Make the scores of maps that were compared with nothing.

    Args:
        scenes: Their names.
        settings: As they would have been compared with.

    Returns:
        Scores without a row and without an object; all scenes are unscored.
    """
    table = pd.DataFrame(columns=list(MAP_SCORE_COLUMNS)).astype(MAP_SCORE_COLUMNS)
    objects = gpd.GeoDataFrame(
        pd.DataFrame(columns=list(OBJECT_COLUMNS)).astype(OBJECT_COLUMNS), geometry=[], crs=LON_LAT
    )
    return MapScores(table, objects, settings, tuple(scenes))


def _is_scored(comparison: MapComparison, settings: MapScoreSettings) -> bool:
    return settings.without_reference == "no_mines" or bool((comparison.objects["side"] == REFERENCE).any())


def _figure_rows(
    scene: object, objects: pd.DataFrame, settings: MapScoreSettings, bootstrap: BootstrapSettings
) -> list[tuple[object, ...]]:
    figures, size = _figures(objects, bootstrap), _size(objects)
    rows: list[tuple[object, ...]] = [(scene, pd.NA, name, *figure, *size) for name, figure in figures.items()]
    for side, metrics in ((REFERENCE, BY_REFERENCE_SIZE), (PREDICTION, BY_PREDICTION_SIZE)):
        of_side = objects[(objects["side"] == side) & objects["counted"]]
        for title in size_class_titles(settings.size_classes_ha):
            members = of_side[of_side["size_class"] == title]
            figures, size = _figures(members, bootstrap), _size(members)
            rows += [(scene, title, name, *figures[name], *size) for name in metrics]
    return rows


def _total_rows(scene: object, objects: pd.DataFrame, outside: float) -> list[tuple[object, ...]]:
    is_true, counts = objects["side"] == REFERENCE, objects["counted"]
    true, mapped = objects[is_true], objects[~is_true]
    totals = (
        (is_true & counts).sum(), (~is_true & counts).sum(),
        true["hectares"].sum(), mapped["hectares"].sum(), true["common_hectares"].sum(),
        (is_true & ~counts).sum(), (~is_true & ~counts).sum(), outside,
    )  # fmt: skip
    named = zip(MAP_TOTALS, totals, strict=True)
    return [(scene, pd.NA, name, float(value), np.nan, np.nan, *_size(objects)) for name, value in named]


def _size(objects: pd.DataFrame) -> tuple[int, int]:
    return len(objects), _places(objects).nunique()


def _places(objects: pd.DataFrame) -> pd.Series:
    """Sites are numbered scene by scene."""
    return objects["scene"].astype("str") + "/" + objects["site"].astype("str")


def _figures(objects: pd.DataFrame, bootstrap: BootstrapSettings) -> dict[str, Interval]:
    scorer = WeightedMapScores(objects)
    if objects.empty:
        return dict.fromkeys(MAP_METRICS, UNDEFINED)
    return bootstrap_intervals(scorer, _places(objects), bootstrap)


def harmonic_mean(precision: FloatArray, recall: FloatArray) -> FloatArray:
    """Harmonic mean; 0 where only one of them is defined: there is a mine and no map of it, or the other way round."""
    p, r = np.nan_to_num(precision), np.nan_to_num(recall)
    both = np.nan_to_num(ratio(2 * p * r, p + r))
    return np.where(np.isnan(precision) & np.isnan(recall), np.nan, both)
