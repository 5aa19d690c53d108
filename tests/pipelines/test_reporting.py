"""Reports of one task or both, from values as their files hold them."""

import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from rasterio.crs import CRS

from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.chips.planes import PackedPlanes, planes_in_memory
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.pipelines.preprocessing.nodes import measure_bands
from mining_the_mines.pipelines.reporting import (
    create_pipeline,
    create_segmentation_report,
)
from mining_the_mines.pipelines.reporting.map_nodes import describe_composites
from mining_the_mines.pipelines.reporting.nodes import (
    ReportingSettings,
    choose_examples,
    choose_segmentation_examples,
    describe_classification,
    write_report,
)
from mining_the_mines.reporting.classification_part import ClassificationData
from mining_the_mines.reporting.galleries import SegmentationTile
from mining_the_mines.scenes.composite_files import BlockFault
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.segmentation import (
    SegmentationMeasureSettings,
    measure_segmentation,
    segmentation_score_table,
)
from mining_the_mines.scoring.tables import chip_predictions, score_table
from mining_the_mines.scoring.thresholds import pixel_threshold_curve, tally_pixels
from support.chip_files import BANDS, ground
from support.composites import composite_at
from support.networks import trained_classifier
from support.report_composites import make_left_out, make_scenes
from support.report_segmentation import make_inventory, make_mask_table, make_segmentation
from support.reports import make_classification, make_folds, make_importances, make_predictions
from support.scored_segmentation import SIZE, make_pairs

CHIPS = 30
FEW = BootstrapSettings(resamples=20)


def from_file(table: pd.DataFrame) -> pd.DataFrame:
    """A table as it is after it was written and read."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def planes(values: Mapping[str, np.ndarray[Any, Any]], dtype: type[np.generic]) -> PackedPlanes:
    grid = ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 500_000, 0, -10, 9_400_000), SIZE, SIZE)
    array = np.stack(list(values.values())) if values else np.empty((0, SIZE, SIZE))
    return planes_in_memory(array.astype(dtype), tuple(values), (grid,) * len(values))


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    """Results of segmentation, by name in its namespace."""
    folds = make_folds(CHIPS)
    pairs = [(name, *pair[1:]) for name, pair in zip(folds["filename"], make_pairs(CHIPS), strict=True)]
    areas = dict.fromkeys(folds["filename"], 0.01)
    chips = measure_segmentation(pairs, areas, 0.5, SegmentationMeasureSettings()).merge(folds, on="filename")
    test = set(folds.loc[folds["split"] == "test", "filename"])
    curves = pd.DataFrame({"fold": 0, "epoch": [0, 1], "training_loss": [0.5, 0.3], "validation_iou": [0.4, 0.6]})
    return {
        "scores": from_file(segmentation_score_table(chips, FEW)),
        "chip_classification_scores": from_file(score_table(chip_predictions(chips), {"segmenter": 0.5}, FEW)),
        "chip_scores": from_file(chips).astype({"fold": "Int64"}),
        "decision": {"threshold": 0.5, "objective": "iou", "tolerance": 2.0},
        "threshold_curve": from_file(pixel_threshold_curve(tally_pixels(pairs, areas))),
        "probability_maps": planes({name: p for name, p, _ in pairs if name not in test}, np.float16),
        "test_probability_maps": planes({name: p for name, p, _ in pairs if name in test}, np.float16),
        "masks": planes({name: mask for name, _, mask in pairs}, np.uint8),
        "mask_table": from_file(make_mask_table(chips)),
        "polygon_inventory": from_file(make_inventory()),
        "learning_curves": from_file(curves),
    }


@pytest.fixture(scope="module")
def shared() -> dict[str, Any]:
    """Inputs of both tasks."""
    folds = make_folds(CHIPS)
    packed = pack_in_memory([ground(seed, size=SIZE) for seed in range(CHIPS)], list(folds["filename"]), BANDS)
    manifest = folds[["filename", "label"]].assign(verdict="accepted", reason=None)
    network = {"network": {"architecture": "maxvit_pico"}, "evaluation": {"bootstrap": {"level": 0.9}}}
    return {
        "packed_chips": packed,
        "manifest": from_file(manifest),
        "folds": folds,
        "band_statistics": measure_bands(packed, folds),
        "run_facts": {"Git commit": "3fbc53a"},
        "parameters": {"classification": {"models": {"network": network}}},
        "params:reporting": ReportingSettings(title="Mines of a basin", examples=2),
    }


def choose(inputs: dict[str, Any], shared: dict[str, Any], **changes: Any) -> tuple[SegmentationTile, ...]:
    names = ("chip_scores", "decision", "probability_maps", "test_probability_maps", "masks")
    given = {name: inputs[name] for name in names}
    return choose_segmentation_examples(
        **{**given, "packed_chips": shared["packed_chips"], "reporting": shared["params:reporting"], **changes}
    )


def run(pipeline: Pipeline, inputs: dict[str, Any]) -> dict[str, Any]:
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in inputs.items()})
    return {name: dataset.load() for name, dataset in SequentialRunner().run(pipeline, catalog).items()}


def test_examples_by_outcome(shared: dict[str, Any]) -> None:
    predictions = make_predictions(make_folds(CHIPS))
    decision = {"chosen": "blend", "thresholds": {"blend": 0.5}}
    models = {"network": trained_classifier(1, size=SIZE)}
    tiles = choose_examples(predictions, decision, shared["packed_chips"], models, shared["params:reporting"])
    known = predictions[predictions["model"] == "blend"].set_index("filename")
    for tile in tiles:
        called, mine = tile.kind in {"TP", "FP"}, tile.kind in {"TP", "FN"}
        assert (tile.probability >= 0.5, known["label"][tile.filename] == 1) == (called, mine)
        assert tile.longitude == known["longitude"][tile.filename]
        assert tile.attention is not None
        assert tile.attention.shape == tile.true_colour.shape[:2] == (SIZE, SIZE)
    assert all(sum(tile.kind == kind for tile in tiles) <= 2 for kind in ("TP", "FP", "FN", "TN"))


def test_segmentation_report(inputs: dict[str, Any], shared: dict[str, Any]) -> None:
    pipeline = create_segmentation_report().only_nodes_with_tags("reporting")
    given = {**shared, **{f"segmentation.{name}": value for name, value in inputs.items()}}
    report = run(pipeline, given)["segmentation.report"]
    for text in ("Mines of a basin", "predicted and true mines overlap", "Repaired", "nowhere.tif"):
        assert text in report
    assert "Is there a mine in a chip?" not in report


def test_test_chips_worst_first(inputs: dict[str, Any], shared: dict[str, Any]) -> None:
    tiles = choose(inputs, shared)
    assert {tile.split for tile in tiles} == {"test"}
    assert len({tile.filename for tile in tiles}) == len(tiles)
    fits = [tile.iou for kind in ("worst", "typical") for tile in tiles if tile.kind == kind]
    assert fits == sorted(fits)
    assert max(fits) <= min(tile.iou for tile in tiles if tile.kind == "best")


def test_examples_without_a_test_split(inputs: dict[str, Any], shared: dict[str, Any]) -> None:
    known = inputs["chip_scores"].dropna(subset="fold")
    tiles = choose(inputs, shared, chip_scores=known, test_probability_maps=planes({}, np.float16))
    assert {tile.split for tile in tiles} == {"out-of-fold"}
    assert len(tiles) > 4


def test_pictures_agree_with_scores(inputs: dict[str, Any], shared: dict[str, Any]) -> None:
    for tile in choose(inputs, shared):
        known = tile.truth != 255
        assert (tile.predicted & known).sum() * 0.01 == pytest.approx(tile.predicted_hectares)
        assert ((tile.truth == 1) & known).sum() * 0.01 == pytest.approx(tile.true_hectares)


@pytest.mark.parametrize(("mines", "kinds"), [(1, ["worst"]), (2, ["best", "worst"]), (0, [])])
def test_few_mines_are_shown_once(inputs: dict[str, Any], shared: dict[str, Any], mines: int, kinds: list[str]) -> None:
    chips = inputs["chip_scores"]
    few = chips[chips["fold"].notna() & (chips["true_hectares"] > 0)].head(mines)
    assert sorted(tile.kind for tile in choose(inputs, shared, chip_scores=few)) == kinds


def describe(decision: dict[str, Any], parameters: dict[str, Any]) -> ClassificationData:
    """Describe the made-up results of the blend as if they were the network's."""
    made = make_classification(make_folds(40), tiles=1, resamples=20)
    assert made.category_table is not None
    assert made.difference_table is not None
    scores, predictions = (
        table.replace({"model": {"blend": "network"}}) for table in (made.score_table, made.predictions)
    )
    curves = pd.DataFrame({"fold": 0, "epoch": [0, 1], "training_loss": [0.7, 0.5]}).assign(model="network")
    tables = (made.category_table, made.difference_table, curves, make_importances(("trees", "logistic")))
    return describe_classification(predictions, decision, scores, *tables, made.gallery, parameters)


def test_network_is_named_by_its_architecture(shared: dict[str, Any]) -> None:
    decision = {"chosen": "network", "thresholds": {"network": 0.5, "trees": 0.4}}
    contents = describe(decision, shared["parameters"])
    assert contents.chosen_model == "maxvit"
    assert set(contents.thresholds) == {"maxvit", "trees"}
    assert "network" not in set(contents.score_table["model"]) | set(contents.predictions["model"])
    assert contents.learning_curves is not None
    assert set(contents.learning_curves["model"]) == {"maxvit"}
    assert describe(decision, {}).chosen_model == "network"


def test_importances_of_every_model_are_kept(shared: dict[str, Any]) -> None:
    importances = describe({"chosen": "network", "thresholds": {"network": 0.5}}, shared["parameters"]).importances
    assert importances is not None
    assert set(importances["model"]) == {"trees", "logistic"}


def test_report_of_both_tasks(shared: dict[str, Any]) -> None:
    names = ("manifest", "folds", "band_statistics", "run_facts", "parameters")
    report = write_report(
        **{name: shared[name] for name in names},
        reporting=shared["params:reporting"],
        classification=make_classification(make_folds(24), tiles=1, resamples=20),
        segmentation=make_segmentation(24, size=16, each=1, resamples=20),
    )
    assert "Is there a mine in a chip?" in report
    assert "Where are the mines, and how many hectares?" in report
    assert "90\N{NARROW NO-BREAK SPACE}% intervals" in report


def test_composites_in_the_report(inputs: dict[str, Any], shared: dict[str, Any], tmp_path: Path) -> None:
    faults = (BlockFault("S2A_gone", "404 Not Found", 4, 4), BlockFault("S2A_torn", "it is cut off", 1, 4))
    composite = dataclasses.replace(composite_at(tmp_path, "tapajos"), faults=faults)
    given = {
        "composites": (composite,),
        "scene_table": make_scenes(("tapajos",)),
        "left_out_scenes": make_left_out(),
        **{f"segmentation.{name}": value for name, value in inputs.items()},
    }
    nodes = create_pipeline().only_nodes(
        "reporting.describe_composites",
        "segmentation.choose_segmentation_examples",
        "segmentation.describe_segmentation",
    )
    made = run(nodes, {**shared, **given})
    facts = {name.removeprefix("params:"): value for name, value in shared.items() if name != "packed_chips"}
    report = write_report(**facts, segmentation=made["segmentation_data"], composites=made["composite_data"])
    assert "The chips come from one composite" in report
    assert "unreadable: 404 Not Found" in report
    assert "read in part: it is cut off (1 of 4 blocks are without it)" in report


def test_many_regions_are_shown_small(tmp_path: Path) -> None:
    grid = ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 500_000, 0, -10, 9_400_000), 900, 450)
    composite = composite_at(tmp_path, grid=grid)
    for regions, width in ((1, 700), (7, 280)):
        contents = describe_composites((composite,) * regions, make_scenes(("north",)), make_left_out())
        assert contents.regions[0].visible.shape == (3, width // 2, width)
