"""How models travel, by the weights that networks start from: out-of-fold scores where whole regions are held out.

Classifiers of the Amazon chips are scored by ROC AUC, with and without forest chips; segmenters of tailings deposits by
IoU. Both have intervals by place, and a lead over the network from scratch on the same folds. Folds are by the labels'
groups, or blocked: chips in different folds lie at least 100 or 300 km apart. Rivals on the Amazon chips are the
project's trees and logistic regression, and a random forest on means, deviations and percentiles of bands and indices.
No test split is taken off, so that every chip is scored.

    python benchmarks/travel.py                                          # all that needs no file
    python benchmarks/travel.py --chips amazon --blocking 300 --start simulated
    python benchmarks/travel.py --start imagenet --start torchgeo=resnet18_sentinel2_all_moco.pth
    python benchmarks/travel.py --chips amazon --start frozen-simulated --start frozen-imagenet --start frozen-mine=FILE

A start that begins with ``frozen-`` trains no network: a logistic regression sees the features of the encoder, and its
lead is over that on the features of the encoder that ships. ``frozen-scratch`` has random weights: an encoder whose
features are no better has learnt nothing that counts here.

Each part (chips, blocking, start) is kept in the folder of results and not trained again; a part that was killed goes
on from its checkpoints. The table shows all parts that are there.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from kedro.config import OmegaConfigLoader
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.folder import ChipFolder, read_labels
from mining_the_mines.chips.folds import FoldSettings, assign_folds
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import pack_chips
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.chips.statistics import summarise_bands
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.blend import fit_blend
from mining_the_mines.models.classifier_network import ClassifierNetwork
from mining_the_mines.models.cross_validation import cross_validate
from mining_the_mines.models.embedding import build_embedding
from mining_the_mines.models.kinds import ChipLayout, LabelledChips, MaskedChips, ModelKind, read_kind
from mining_the_mines.models.networks import ClassifierSpec, SegmenterNetworks
from mining_the_mines.models.spectral_input import band_scale
from mining_the_mines.scoring.bootstrap import (
    BootstrapSettings,
    Interval,
    Scorer,
    bootstrap_intervals,
    paired_difference,
)
from mining_the_mines.scoring.metrics import weighted_scores
from mining_the_mines.scoring.segmentation import WeightedSegmentationScores
from segmentation_recipe import measure
from segmentation_recipe import prepare as prepare_segmentation

PROJECT: Final = Path(__file__).parents[1]
FOLDERS: Final = {"amazon": "amazon_mines", "tailings": "tailings_dams"}
BLOCKINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "group": {"block_km": None},
    "100": {"block_km": 100.0},
    "300": {"block_km": 300.0},
}
SCRATCH: Final = "scratch"
FOREST: Final = "forest"
TREES: Final = "trees"
#: The environment's models of the feature table, which judge whole chips alone, as the forest does.
TABLES: Final = (TREES, "logistic")
#: Starts that need no file.
DEFAULT: Final = (FOREST, *TABLES, SCRATCH, "simulated", "csmask")
#: A logistic regression on the features of an encoder.
FROZEN: Final = "frozen-"
SHIPPED: Final = "frozen-simulated"
#: Networks of the weights of others, and the rate at which they are tuned: a third of what is usual from scratch.
FOREIGN: Final = {"csmask": "efficientnet-b4", "imagenet": "tf_efficientnet_lite0", "torchgeo": "resnet18"}
FOREIGN_RATE: Final = 3e-4
#: A decoder of the size of the default one, so that the starts are compared and not their decoders.
FOREIGN_DECODER: Final = {"decoder_channels": [64, 32, 16, 16, 8]}


@dataclass(frozen=True)
class Start:
    """What a model starts from.

    Attributes:
        name: Of the start.
        file: File of the weights, if it is not a name that the parameter ``pretrained`` knows.
    """

    name: str
    file: Path | None

    @property
    def pretrained(self) -> str | None:
        """Value of the parameter ``pretrained``."""
        if self.name == SCRATCH:
            return None
        return self.name.removeprefix(FROZEN) if self.file is None else str(self.file)

    def network(self, stated: Mapping[str, Any], *, segmenter: bool) -> dict[str, Any]:
        """Parameters of a kind of networks that starts from it."""
        changed: dict[str, Any] = {"pretrained": self.pretrained}
        if self.name not in FOREIGN:
            return {**stated, "network": {**stated["network"], **changed}}
        changed |= {"encoder" if segmenter else "architecture": FOREIGN[self.name]}
        changed |= {"overrides": FOREIGN_DECODER if segmenter else None}
        return {**stated, "network": {**stated["network"], **changed}, "learning_rate": FOREIGN_RATE}


def parse_start(text: str) -> Start:
    """Read ``NAME`` or ``NAME=FILE``."""
    name, _, file = text.partition("=")
    if name.startswith(FROZEN):
        return Start(name, Path(file) if file else None)
    if name not in {*DEFAULT, *FOREIGN} or (name == "torchgeo" and not file):
        known = f"{', '.join(DEFAULT)}, imagenet, imagenet=FILE, torchgeo=FILE, frozen-NAME, frozen-NAME=FILE"
        raise argparse.ArgumentTypeError(f"there is no start {text}: take one of {known}")
    return Start(name, Path(file) if file else None)


class Bench:
    """The chips of one data set in folds of one blocking, read once they are needed.

    Args:
        chips: Name of the data set.
        blocking: How folds lie apart.
        options: Options of the command line.
        scratch: Folder for packed chips.
    """

    def __init__(self, chips: str, blocking: str, options: argparse.Namespace, scratch: Path) -> None:
        self.chips, self.blocking, self.options, self.scratch = chips, blocking, options, scratch
        loader = OmegaConfigLoader(
            str(PROJECT / "conf"), base_env="base", env=FOLDERS[chips], merge_strategy={"parameters": "soft"}
        )
        self.parameters: dict[str, Any] = loader["parameters"]
        split = {"test_share": 0.0, "test_groups": None, "seed": options.seed, **BLOCKINGS[blocking]}
        self.parameters["folds"] = self.parameters["folds"] | split

    @property
    def folder(self) -> Path:
        """Where the chips lie."""
        found: Path = self.options.data / FOLDERS[self.chips]
        return found

    @cached_property
    def labelled(self) -> LabelledChips:
        """Chips of the classifiers with their feature table."""
        settings = ChipSettings(**self.parameters["imagery"])
        folder = ChipFolder(self.folder / "images", read_labels(self.folder / "labels.csv"))
        manifest = take_inventory(folder, settings)
        packed = pack_chips(folder, manifest, settings, self.scratch / "packed")
        folds = assign_folds(manifest, FoldSettings(**self.parameters["folds"]))
        wanted = FeatureSettings(**self.parameters["features"])
        embedding = build_embedding(wanted, packed.bands, packed.array.shape[-1])
        features = extract_features(packed, wanted, embedding=embedding)
        return LabelledChips(packed, folds, summarise_bands(packed, folds), features)

    def fit(self, start: Start, checkpoints: Path) -> pd.DataFrame:
        """Train out of fold; give one row per chip, with what its score is computed from."""
        return self._segment(start, checkpoints) if self.chips == "tailings" else self._classify(start, checkpoints)

    def _classify(self, start: Start, checkpoints: Path) -> pd.DataFrame:
        models, data = self.parameters["classification"]["models"], self.labelled
        if start.name == FOREST:
            return data.folds.assign(probability=self._forest())
        if start.name.startswith(FROZEN):
            return data.folds.assign(probability=self._frozen(start))
        if start.name in TABLES:
            kind = read_kind(models[start.name])
        else:
            kind = read_kind(start.network(models["network"], segmenter=False) | self._changes)
        layout = ChipLayout(bands=data.packed.bands, chip_size=data.packed.array.shape[-1])
        found = self._cross_validate(start, kind, data, layout, checkpoints)
        probabilities = pd.Series(found.probabilities, index=list(found.filenames))
        return data.folds.assign(probability=data.folds["filename"].map(probabilities))

    def _segment(self, start: Start, checkpoints: Path) -> pd.DataFrame:
        segmentation = self.parameters["segmentation"]
        data = prepare_segmentation(self.folder, self.parameters, self.scratch, self.options.seed)
        cutting = WindowSettings(**segmentation["windows"])
        chips = MaskedChips(
            data.packed,
            data.folds,
            summarise_bands(data.packed, data.folds),
            masks=data.masks,
            windows=data.windows,
            cutting=cutting,
        )
        layout = ChipLayout(bands=data.packed.bands, chip_size=data.packed.array.shape[-1])
        training = {**segmentation["training"], "network": self._segmenter_network}
        kind = SegmenterNetworks(**start.network(training, segmenter=True) | self._changes)
        found = self._cross_validate(start, kind, chips, layout, checkpoints)
        return measure(data, found.filenames, found.probabilities)

    @property
    def _changes(self) -> dict[str, Any]:
        asked = {"epochs": self.options.epochs, "networks": self.options.networks}
        return {name: value for name, value in asked.items() if value is not None}

    def _cross_validate(
        self, start: Start, kind: ModelKind, data: LabelledChips, layout: ChipLayout, checkpoints: Path
    ) -> Any:  # noqa: ANN401 - a cross validation
        return cross_validate({start.name: kind}, data, layout, checkpoints, self.options.workers)[start.name]

    def _forest(self) -> "pd.Series[float]":
        data = self.labelled
        simple = {"indices": self.parameters["features"]["indices"], "families": ("moments", "percentiles")}
        features = extract_features(data.packed, FeatureSettings(**simple))
        return self._fold_by_fold(features, RandomForestClassifier(500, random_state=0))

    @property
    def _segmenter_network(self) -> dict[str, Any]:
        """The environment's network on the encoder of the default run, which ours and scratch need."""
        loader = OmegaConfigLoader(str(PROJECT / "conf"), base_env="base", env="base")
        default = loader["parameters"]["segmentation"]["training"]["network"]
        kept = {name: default[name] for name in ("encoder", "overrides")}
        return {**self.parameters["segmentation"]["training"]["network"], **kept}

    def _frozen(self, start: Start) -> "pd.Series[float]":
        packed = self.labelled.packed
        if start.name == FROZEN + SCRATCH:
            features = self._random_features()
        else:
            settings = FeatureSettings(indices=(), families=("embedding",), encoder=start.pretrained)
            embedding = build_embedding(settings, packed.bands, packed.array.shape[-1])
            features = extract_features(packed, settings, embedding=embedding)
        return self._fold_by_fold(features, make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)))

    def _random_features(self) -> pd.DataFrame:
        data, stated = self.labelled, self.parameters["classification"]["models"]["network"]
        spec = ClassifierSpec(**stated["network"] | {"pretrained": None, "pooling": "mean"})
        statistics = next(iter(data.statistics.values()))
        torch.manual_seed(self.options.seed)
        network = ClassifierNetwork(spec, band_scale(statistics), data.packed.array.shape[-1]).eval()
        network.backbone.reset_classifier(0)  # type: ignore[operator] # of timm's networks
        chips = [data.packed.reflectance(row) for row in range(len(data.packed))]
        with torch.inference_mode():
            features = torch.cat([network.outputs(torch.from_numpy(chip)[None]) for chip in chips])
        return pd.DataFrame(features.numpy(), index=pd.Index(data.packed.filenames))

    def _fold_by_fold(self, features: pd.DataFrame, model: Any) -> "pd.Series[float]":  # noqa: ANN401 - of scikit-learn
        folds = self.labelled.folds
        values, labels = features.loc[folds["filename"]].to_numpy(), folds["label"].to_numpy(dtype=int)
        probabilities = pd.Series(np.nan, index=folds.index)
        for fold in folds["fold"].unique():
            held_out = (folds["fold"] == fold).to_numpy()
            fitted = clone(model).fit(values[~held_out], labels[~held_out])
            probabilities[held_out] = fitted.predict_proba(values[held_out])[:, 1]
        return probabilities


def run(options: argparse.Namespace) -> int:
    """Train the parts that are missing, and print the table of all that are there."""
    failed = False
    for chips in options.chips:
        for blocking in options.blocking:
            with tempfile.TemporaryDirectory() as scratch:
                bench = Bench(chips, blocking, options, Path(scratch))
                for start in options.start:
                    if chips == "tailings" and (start.name in {FOREST, *TABLES} or start.name.startswith(FROZEN)):
                        continue
                    try:
                        complete(bench, start, options.results)
                    except BadInputError as error:
                        failed = True
                        print(f"{chips}, {blocking}, {start.name}: {error}", file=sys.stderr, flush=True)
            print_table(chips, blocking, options)
    return int(failed)


def part(chips: str, blocking: str, start: str, options: argparse.Namespace) -> str:
    """Name of a part, which tells how it was trained."""
    asked = {"epochs": options.epochs, "networks": options.networks, "seed": options.seed or None}
    changes = [f"{name}_{value}" for name, value in asked.items() if value is not None]
    return "-".join([chips, blocking, start, *changes])


def complete(bench: Bench, start: Start, results: Path) -> None:
    """Train a part, unless it is there, and keep its chips."""
    name = part(bench.chips, bench.blocking, start.name, bench.options)
    table = results / f"{name}.csv"
    if table.is_file():
        return
    print(f"{name}: training", flush=True)
    started = time.perf_counter()
    chips = bench.fit(start, results / "checkpoints" / name)
    with whole_file(table) as draft:
        chips.assign(seconds=time.perf_counter() - started).to_csv(draft, index=False)


def print_table(chips: str, blocking: str, options: argparse.Namespace) -> None:
    """Print all parts of a data set and a blocking."""
    frozen = [path.name.split("-")[3] for path in sorted(options.results.glob(f"{chips}-{blocking}-{FROZEN}*.csv"))]
    starts = dict.fromkeys((SCRATCH, *DEFAULT, *FOREIGN, *(FROZEN + name.removesuffix(".csv") for name in frozen)))
    files = {start: options.results / f"{part(chips, blocking, start, options)}.csv" for start in starts}
    rows = {start: pd.read_csv(file) for start, file in files.items() if file.is_file()}
    if not rows:
        return
    first = next(iter(rows.values()))
    apart = "by group" if blocking == "group" else f"folds {blocking} km apart"
    print(f"\n{chips}, {apart}: {len(first)} chips of {first['place'].nunique()} places")
    scorers = score_segmenters(rows) if chips == "tailings" else score_classifiers(rows)
    for score, by_start in scorers.items():
        print(f"  {score}")
        for start, (scorer, places) in by_start.items():
            (value,) = bootstrap_intervals(scorer, places, BootstrapSettings()).values()
            line = f"    {start:22} {_shown(value)}"
            rival = SHIPPED if start.startswith(FROZEN) else SCRATCH
            if rival in by_start and start != rival:
                (ahead,) = paired_difference(scorer, by_start[rival][0], places, BootstrapSettings()).values()
                line += f"   over {rival} {_shown(ahead, '+')}"
            if start in rows:
                line += f"   {rows[start]['seconds'].iloc[0]:.0f} s"
            print(line, flush=True)


Scorers = dict[str, tuple[Scorer, "pd.Series[Any]"]]


def score_classifiers(rows: Mapping[str, pd.DataFrame]) -> dict[str, Scorers]:
    """AUC of every model, and of each other's blend with the trees."""
    tables = {start: table.set_index("filename") for start, table in rows.items()}
    found = {start: table["probability"] for start, table in tables.items()}
    others = [start for start in found if start not in {FOREST, TREES} and not start.startswith(FROZEN)]
    table = next(iter(tables.values()))
    for start in others if TREES in found else []:
        both = pd.DataFrame({TREES: found[TREES], start: found[start]})
        found[f"{start} and {TREES}"] = fit_blend(both, table.reset_index())[1]
    everything, hard = table, table[table["category"] != "forest"]
    return {
        name: {start: (_auc(chosen, values), chosen["place"]) for start, values in found.items()}
        for name, chosen in (("AUC", everything), ("AUC without forest", hard))
    }


def _auc(chips: pd.DataFrame, probabilities: "pd.Series[float]") -> Scorer:
    return weighted_scores(chips["label"], probabilities.loc[chips.index], 0.5, ("roc_auc",))


class _Iou(WeightedSegmentationScores):
    """IoU alone."""

    def __call__(self, weights: Any) -> dict[str, Any]:  # noqa: ANN401 - as its base
        return {"iou": super().__call__(weights)["iou"]}


def score_segmenters(rows: Mapping[str, pd.DataFrame]) -> dict[str, Scorers]:
    """IoU of every segmenter."""
    tables = {start: table.sort_values("filename", ignore_index=True) for start, table in rows.items()}
    return {"IoU": {start: (_Iou(table), table["place"]) for start, table in tables.items()}}


def _shown(interval: Interval, sign: str = "") -> str:
    return f"{interval.value:{sign}.3f} ({interval.low:{sign}.3f} to {interval.high:{sign}.3f})"


def main(arguments: Iterable[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared/data", help="folder of both data sets")
    parser.add_argument("--chips", choices=FOLDERS, action="append", help="may be repeated; by default both")
    parser.add_argument("--blocking", choices=BLOCKINGS, action="append", help="may be repeated; by default all")
    parser.add_argument("--start", type=parse_start, action="append", help="NAME or NAME=FILE; may be repeated")
    parser.add_argument("--epochs", type=int, help="by default as in conf/")
    parser.add_argument("--networks", type=int, help="networks per fold; by default as in conf/")
    parser.add_argument("--workers", type=int, help="folds at a time; by default one more than cores")
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    parser.add_argument("--results", type=Path, default=PROJECT / "data/travel", help="folder of the parts")
    options = parser.parse_args(None if arguments is None else list(arguments))
    options.chips = options.chips or list(FOLDERS)
    options.blocking = options.blocking or list(BLOCKINGS)
    options.start = options.start or [Start(name, None) for name in DEFAULT]
    missing = [name for name in options.chips if not (options.data / FOLDERS[name]).is_dir()]
    if missing:
        parser.error(f"{options.data / FOLDERS[missing[0]]} does not exist: say with --data where it lies")
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
