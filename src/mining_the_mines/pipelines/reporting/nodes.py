"""Nodes of reporting. torch is imported by the node that asks the network where it looks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.statistics import read_statistics
from mining_the_mines.reporting.contents import GalleryTile, Outcome, ReportContents
from mining_the_mines.reporting.html import render_report
from mining_the_mines.reporting.pictures import true_colour
from mining_the_mines.sentinel2.bands import TRUE_COLOUR


class ReportingSettings(BaseModel):
    """What the report shows.

    Attributes:
        title: Heading of the report.
        examples: Chips shown of each kind (found, missed, false alarm, rightly left alone).
        caveats: Sentences that a reader of these figures must know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = "How well are mines found?"
    examples: int = 6
    caveats: tuple[str, ...] = ()


def choose_examples(
    predictions: pd.DataFrame,
    decision: dict[str, Any],
    packed_chips: PackedChips,
    network: Any,  # noqa: ANN401 - a StoredEnsemble; its module loads torch
    reporting: ReportingSettings,
) -> tuple[GalleryTile, ...]:
    """Choose the chips that the model was most wrong and most right about, with a map of where the network looked.

    Args:
        predictions: Of all models.
        decision: The chosen model and the thresholds.
        packed_chips: The pixels.
        network: Asked for its attention.
        reporting: How many chips of each kind.
    """
    from mining_the_mines.models.attention import attention_map

    chosen = predictions[predictions["model"] == decision["chosen"]]
    threshold = decision["thresholds"][decision["chosen"]]
    tiles = []
    for kind, rows in _by_outcome(chosen, threshold).items():
        for _, row in rows.head(reporting.examples).iterrows():
            reflectance = packed_chips.reflectance(int(packed_chips.rows([row["filename"]])[0]))
            tiles.append(
                GalleryTile(
                    filename=row["filename"],
                    kind=kind,
                    probability=float(row["probability"]),
                    label=int(row["label"]),
                    true_colour=true_colour(_visible(reflectance, packed_chips.bands)),
                    attention=attention_map(network.ensemble, reflectance),
                    category=_known(row.get("category")),
                    longitude=_known(row.get("longitude")),
                    latitude=_known(row.get("latitude")),
                )
            )
    return tuple(tiles)


def write_report(  # noqa: PLR0913, PLR0917 - a report joins everything
    manifest: pd.DataFrame,
    folds: pd.DataFrame,
    band_statistics: dict[str, dict[str, Any]],
    predictions: pd.DataFrame,
    decision: dict[str, Any],
    scores: pd.DataFrame,
    category_scores: pd.DataFrame,
    differences: pd.DataFrame,
    learning_curves: pd.DataFrame,
    importances: pd.DataFrame,
    examples: tuple[GalleryTile, ...],
    run_facts: dict[str, str],
    parameters: dict[str, Any],
    reporting: ReportingSettings,
) -> str:
    """Join scores, curves, examples, data and the facts of the run into one HTML page that opens offline."""
    settings = flatten(parameters)
    names = {"network": _network_name(settings["training.network.architecture"])}
    contents = ReportContents(
        title=reporting.title,
        chosen_model=names.get(decision["chosen"], decision["chosen"]),
        predictions=predictions.replace({"model": names}),
        thresholds={names.get(model, model): value for model, value in decision["thresholds"].items()},
        score_table=scores.replace({"model": names}),
        category_table=category_scores.replace({"model": names}),
        difference_table=differences.replace({"model": names, "rival": names}),
        manifest=manifest,
        folds=folds,
        learning_curves=_long(learning_curves),
        importances=importances,
        band_statistics=_band_table(band_statistics),
        gallery=examples,
        run_facts=run_facts,
        parameters=settings,
        caveats=reporting.caveats,
    )
    return render_report(contents)


def flatten(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as dotted names and text."""
    flat: dict[str, str] = {}
    for name, value in parameters.items():
        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        if isinstance(plain, Mapping) and plain:
            flat |= flatten(plain, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = str(plain)
    return flat


def _network_name(architecture: str) -> str:
    """What readers call the network."""
    return "maxvit" if architecture.startswith("maxvit") else architecture


def _by_outcome(chosen: pd.DataFrame, threshold: float) -> dict[Outcome, pd.DataFrame]:
    """Found mines and false alarms by falling, missed mines and the rest by rising probability; test chips first."""
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


def _visible(reflectance: np.ndarray[Any, np.dtype[np.float32]], bands: tuple[str, ...]) -> Any:  # noqa: ANN401
    """Red, green and blue; the first band three times over where one is missing."""
    wanted = TRUE_COLOUR if set(TRUE_COLOUR) <= set(bands) else (bands[0],) * 3
    return reflectance[[bands.index(band) for band in wanted]]


def _known(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    return None if value is None or pd.isna(value) else value


def _long(curves: pd.DataFrame) -> pd.DataFrame:
    """One row a figure, with the stage that it belongs to apart from its name."""
    figures = [name for name in curves.columns if name.startswith(("training_", "validation_"))]
    table = curves.melt(["fold", "epoch"], figures, var_name="figure")
    parts = table["figure"].str.split("_", n=1, expand=True)
    stage = parts[0].replace({"training": "train"})
    return table.assign(stage=stage, metric=parts[1]).drop(columns="figure").dropna(subset="value")


def _band_table(band_statistics: dict[str, dict[str, Any]]) -> pd.DataFrame:
    figures = read_statistics(band_statistics)["all"]
    return pd.DataFrame({"band": figures.bands, "mean": figures.mean, "std": figures.std, **figures.percentiles})
