"""Nodes of reporting. torch is imported by the node that computes attention."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.chips.statistics import read_statistics
from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.reporting.area_part import AreaData
from mining_the_mines.reporting.classification_part import ClassificationData
from mining_the_mines.reporting.composite_part import CompositeData
from mining_the_mines.reporting.galleries import Fit, GalleryTile, Outcome, SegmentationTile
from mining_the_mines.reporting.map_part import MapData
from mining_the_mines.reporting.page import ReportData, render_report
from mining_the_mines.reporting.pictures import true_colour
from mining_the_mines.reporting.segmentation_part import SegmentationData
from mining_the_mines.reporting.site_part import SiteData
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.segmentation import UNKNOWN, called_mine
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST
from mining_the_mines.sentinel2.bands import TRUE_COLOUR


class ReportingSettings(BaseModel):
    """Contents of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("How well are mines found?", description="Heading of the report.")
    examples: int = Field(6, ge=0, description="Number of chips in the gallery of each outcome and of each fit.")
    caveats: tuple[str, ...] = Field((), description="Sentences that a reader must know before believing the figures.")


def choose_examples(
    predictions: pd.DataFrame,
    decision: dict[str, Any],
    packed_chips: PackedChips,
    models: Any,  # noqa: ANN401 - TrainedModels by name
    reporting: ReportingSettings,
) -> tuple[GalleryTile, ...]:
    """Choose the chips with the clearest right and wrong decisions, each with the attention of the network.

    Args:
        predictions: Of all models.
        decision: The chosen model and the thresholds.
        packed_chips: The pixels.
        models: Trained models by name; the attention is that of the first network.
        reporting: Number of chips of each outcome.
    """
    from mining_the_mines.models.attention import attention_map

    chosen = predictions[predictions["model"] == decision["chosen"]]
    threshold = decision["thresholds"][decision["chosen"]]
    tiles = []
    for kind, rows in _by_outcome(chosen, threshold).items():
        for _, row in rows.head(reporting.examples).iterrows():
            reflectance = _reflectance(packed_chips, row["filename"])
            tiles.append(
                GalleryTile(
                    filename=row["filename"],
                    kind=kind,
                    probability=float(row["probability"]),
                    true_colour=true_colour(_visible(reflectance, packed_chips.bands)),
                    attention=attention_map(models, reflectance),
                    category=_known(row.get("category")),
                    longitude=_known(row.get("longitude")),
                    latitude=_known(row.get("latitude")),
                )
            )
    return tuple(tiles)


def describe_classification(  # noqa: PLR0913, PLR0917 - a report joins everything
    predictions: pd.DataFrame,
    decision: dict[str, Any],
    scores: pd.DataFrame,
    category_scores: pd.DataFrame,
    differences: pd.DataFrame,
    learning_curves: pd.DataFrame,
    importances: pd.DataFrame,
    examples: tuple[GalleryTile, ...],
    parameters: dict[str, Any],
) -> ClassificationData:
    """Gather the report data of the chip classifiers; the network is named by its architecture."""
    names = _model_names(flatten(parameters))
    return ClassificationData(
        chosen_model=names.get(decision["chosen"], decision["chosen"]),
        predictions=predictions.replace({"model": names}),
        thresholds={names.get(model, model): value for model, value in decision["thresholds"].items()},
        score_table=scores.replace({"model": names}),
        category_table=category_scores.replace({"model": names}),
        difference_table=differences.replace({"model": names, "rival": names}),
        learning_curves=_long(learning_curves).replace({"model": names}),
        importances=importances.replace({"model": names}),
        gallery=examples,
    )


def choose_segmentation_examples(
    chip_scores: pd.DataFrame,
    decision: dict[str, Any],
    probability_maps: PackedPlanes,
    test_probability_maps: PackedPlanes,
    masks: PackedPlanes,
    packed_chips: PackedChips,
    reporting: ReportingSettings,
) -> tuple[SegmentationTile, ...]:
    """Choose the chips with the worst, typical and best fit and false predictions, of the test if there is one.

    Args:
        chip_scores: Measures of each chip, with its fold.
        decision: The threshold.
        probability_maps: Out-of-fold maps.
        test_probability_maps: Maps of the test chips; empty without a test split.
        masks: The truth.
        packed_chips: The pixels.
        reporting: Number of chips of each fit.
    """
    is_test = chip_scores["fold"].isna()
    split, maps = (TEST, test_probability_maps) if is_test.any() else (OUT_OF_FOLD, probability_maps)
    tiles = []
    for kind, rows in _by_fit(chip_scores[is_test == (split == TEST)], reporting.examples).items():
        for _, row in rows.iterrows():
            name = str(row["filename"])
            probability, mask = _plane(maps, name), _plane(masks, name)
            tiles.append(
                SegmentationTile(
                    filename=name,
                    kind=kind,
                    split=split,
                    true_colour=true_colour(_visible(_reflectance(packed_chips, name), packed_chips.bands)),
                    truth=np.where(np.isnan(probability), np.uint8(UNKNOWN), mask),
                    predicted=called_mine(probability, decision["threshold"]),
                    iou=float(row["iou"]),
                    true_hectares=float(row["true_hectares"]),
                    predicted_hectares=float(row["predicted_hectares"]),
                )
            )
    return tuple(tiles)


def describe_segmentation(  # noqa: PLR0913, PLR0917 - a report joins everything
    scores: pd.DataFrame,
    chip_scores: pd.DataFrame,
    decision: dict[str, Any],
    threshold_curve: pd.DataFrame,
    examples: tuple[SegmentationTile, ...],
    mask_table: pd.DataFrame,
    polygon_inventory: pd.DataFrame,
    learning_curves: pd.DataFrame,
) -> SegmentationData:
    """Gather the report data of the segmenter."""
    return SegmentationData(
        score_table=scores,
        chip_table=chip_scores,
        threshold=decision["threshold"],
        objective=decision["objective"],
        tolerance=decision["tolerance"],
        threshold_curve=threshold_curve,
        gallery=examples,
        mask_table=mask_table,
        polygon_inventory=polygon_inventory,
        learning_curves=_long(learning_curves),
    )


def write_report(  # noqa: PLR0913, PLR0917 - a report joins everything
    manifest: pd.DataFrame,
    folds: pd.DataFrame,
    band_statistics: dict[str, dict[str, Any]],
    run_facts: dict[str, str],
    parameters: dict[str, Any],
    reporting: ReportingSettings,
    classification: ClassificationData | None = None,
    segmentation: SegmentationData | None = None,
    composites: CompositeData | None = None,
    maps: MapData | None = None,
    areas: AreaData | None = None,
    sites: SiteData | None = None,
    chip_classification_scores: pd.DataFrame | None = None,
    **tables: pd.DataFrame,
) -> str:
    """Write both tasks, composites, maps, the data and the facts of the run on one HTML page that opens offline.

    Args:
        manifest: Every chip found.
        folds: Every accepted chip.
        band_statistics: Of the training chips.
        run_facts: Commit, versions and the like.
        parameters: Of the run.
        reporting: Title, caveats.
        classification: Report data of the classifiers.
        segmentation: Report data of the segmenter.
        composites: Report data of the composites.
        maps: Report data of the maps.
        areas: Report data of estimated areas.
        sites: Report data of new sites.
        chip_classification_scores: Scores of the segmenter as a classifier of chips.
        tables: Further tables, shown under the name of their input.
    """
    settings = flatten(parameters)
    if segmentation is not None and chip_classification_scores is not None:
        named = chip_classification_scores.replace({"model": _model_names(settings)})
        segmentation = replace(segmentation, chip_score_table=named)
    return render_report(
        ReportData(
            title=reporting.title,
            classification=classification,
            segmentation=segmentation,
            composites=composites,
            maps=maps,
            areas=areas,
            sites=sites,
            manifest=manifest,
            folds=folds,
            band_statistics=_band_table(band_statistics),
            interval_level=_interval_level(settings),
            run_facts=run_facts,
            parameters=dict(sorted(settings.items())),  # Kedro merges files in any order
            caveats=reporting.caveats,
            tables=tables,
        )
    )


def _model_names(settings: Mapping[str, str]) -> dict[str, str]:
    """Names of models in the report: the network is named by its architecture."""
    architecture = settings.get("classification.models.network.network.architecture", "network")
    return {"network": "maxvit" if architecture.startswith("maxvit") else architecture}


def _interval_level(settings: Mapping[str, str]) -> float:
    """Level of the intervals in the parameters, or its default."""
    stated = [value for name, value in settings.items() if name.endswith("evaluation.bootstrap.level")]
    return float(stated[0]) if stated else BootstrapSettings().level


def _by_outcome(chosen: pd.DataFrame, threshold: float) -> dict[Outcome, pd.DataFrame]:
    """Called chips by falling, other chips by rising probability; test chips first."""
    called = chosen["probability"] >= threshold
    mine = chosen["label"] == 1
    seen = chosen.assign(is_known=chosen["fold"].notna())
    order = ["is_known", "probability"]
    return {
        "FP": seen[called & ~mine].sort_values(order, ascending=[True, False]),
        "FN": seen[~called & mine].sort_values(order, ascending=[True, True]),
        "TP": seen[called & mine].sort_values(order, ascending=[True, False]),
        "TN": seen[~called & ~mine].sort_values(order, ascending=[True, True]),
    }


def _by_fit(chips: pd.DataFrame, examples: int) -> dict[Fit, pd.DataFrame]:
    """Chips with a mine from the worst to the best fit, none of them twice; among equal ones, larger mines first."""
    mines = chips[chips["true_hectares"] > 0]
    mines = mines.sort_values(["iou", "true_hectares"], ascending=[True, False])
    each = min(examples, -(-len(mines) // 3))
    between = mines.iloc[each : max(each, len(mines) - each)]
    first = max(0, (len(between) - each) // 2)
    alarms = chips[(chips["true_hectares"] == 0) & (chips["predicted_hectares"] > 0)]
    return {
        "worst": mines.head(each),
        "typical": between.iloc[first : first + each],
        "best": mines.iloc[max(each, len(mines) - each) :].iloc[::-1],
        "false": alarms.nlargest(examples, "predicted_hectares"),
    }


def _reflectance(packed_chips: PackedChips, filename: str) -> npt.NDArray[np.float32]:
    return packed_chips.reflectance(int(packed_chips.rows([filename])[0]))


def _plane(planes: PackedPlanes, filename: str) -> npt.NDArray[Any]:
    return np.asarray(planes.array[int(planes.rows([filename])[0])])


def _visible(reflectance: npt.NDArray[np.float32], bands: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Red, green and blue; the first band three times over where one is missing."""
    wanted = TRUE_COLOUR if set(TRUE_COLOUR) <= set(bands) else (bands[0],) * 3
    return reflectance[[bands.index(band) for band in wanted]]


def _known(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    return None if value is None or pd.isna(value) else value


def _long(curves: pd.DataFrame) -> pd.DataFrame:
    """Melt learning curves to one row per figure, with stage and metric apart."""
    figures = [name for name in curves.columns if name.startswith(("training_", "validation_"))]
    keys = [name for name in ("model", "fold", "epoch") if name in curves]
    table = curves.melt(keys, figures, var_name="figure")
    parts = table["figure"].str.split("_", n=1, expand=True)
    stage = parts[0].replace({"training": "train"})
    return table.assign(stage=stage, metric=parts[1]).drop(columns="figure").dropna(subset="value")


def _band_table(band_statistics: dict[str, dict[str, Any]]) -> pd.DataFrame:
    figures = read_statistics(band_statistics)["all"]
    return pd.DataFrame({"band": figures.bands, "mean": figures.mean, "std": figures.std, **figures.percentiles})
