"""The loop of reviewing and learning again: chosen places against random ones.

Simulation: a classifier learns in provinces of two biomes and maps a province of a third. 100 cells of the map are
reviewed, chosen by ``kedro review --next uncertain`` or ``novel``, or drawn at random. Answers come from the truth;
those of the first seed are typed into the review page in headless Chromium. The classifier learns again with them, and
is scored on another region of that province, of which nobody has reviewed anything.

Amazon: a region (places nearer than 300 km to each other) is left out, and 25 of its chips are given back. They are of
two thirds of the region's places; the other third is scored, and thirds take turns.

The classifier is a logistic regression on land-cover features (``--model trees`` takes twenty times as long). Rivals
are random places, and the classifier as it was. Parts that are finished are kept, so that an interrupted run goes on.

    python benchmarks/learning_loop.py --chips ../shared/data/amazon_mines
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from kedro.config import OmegaConfigLoader
from scipy import stats

from adaptation import amazon_chips
from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.packing import PackedChips, pack_in_memory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.hashing import hash_folder
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.mapping.completion import finish_scene, waiting_parts
from mining_the_mines.mapping.plan import PermitFiles, StoredModel, plan_scene
from mining_the_mines.mapping.scene_map import SceneMap, read_map
from mining_the_mines.mapping.scene_maps import map_part
from mining_the_mines.mapping.settings import MappingSettings, TilingSettings
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.complete import MineClassifier
from mining_the_mines.models.cross_validation import cross_validate
from mining_the_mines.models.ensemble import predict_packed
from mining_the_mines.models.kinds import ChipLayout, LabelledChips, read_kind
from mining_the_mines.models.novelty import fit_novelty
from mining_the_mines.models.predictor import load_pixel_predictor
from mining_the_mines.models.storage import save_complete
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.review.answer_log import AnswerLog
from mining_the_mines.review.answer_table import Answer, answer_table, standing_answers
from mining_the_mines.review.corrections import find_corrections
from mining_the_mines.review.images import image_of_map
from mining_the_mines.review.next_places import CELL, Ranking, choose, rank_places, uncertainty
from mining_the_mines.review.pictures import PictureCache
from mining_the_mines.review.places import Place
from mining_the_mines.review.session import ReviewSession
from mining_the_mines.scoring.bootstrap import BootstrapSettings, bootstrap_intervals, paired_difference
from mining_the_mines.scoring.metrics import weighted_scores
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_threshold
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.simulation import SeriesSettings, write_simulated_series
from simulation_lookalikes import cut_truth

PROJECT: Final = Path(__file__).parents[1]
BEFORE: Final = "before"
#: The rankings that any map allows; disagreement needs a map of its own.
RANKINGS: Final = tuple(ranking.value for ranking in Ranking if ranking is not Ranking.DISAGREEMENT)
#: Provinces of home, and the third, by seed: each biome is the third one.
PROVINCES: Final = (
    ("tapajos", "copperbelt", "atacama"),
    ("madre_de_dios", "sonora", "lake_victoria"),
    ("birimian", "eastern_goldfields", "ashanti"),
    ("choco", "highveld", "sonora"),
    ("kalimantan", "atacama", "minas_gerais"),
)
#: Smallest region of the Amazon that is left out, and the thirds of its places.
LEAST_CHIPS: Final = 45
THIRDS: Final = 3
#: Classifiers of the feature table that can learn: logistic regression is much the faster one.
MODELS: Final = ("logistic", "trees")
#: Places of simulated chips are squares of this many cells.
_BLOCK: Final = 3


@dataclass(frozen=True)
class Size:
    """How much is simulated and reviewed.

    Attributes:
        pixels: Edge of a simulated region in pixels.
        mines: Mines of a simulated region.
        cells: Cells that are reviewed.
        chips: Chips of the Amazon that are given back.
    """

    pixels: int = 576
    mines: int = 15
    cells: int = 100
    chips: int = 25


class Learner:
    """Trains a classifier on some of the chips at hand.

    Args:
        packed: All chips.
        table: ``filename``, ``label`` and ``place``, one row per chip.
        parameters: Of the environment.
        name: Name of the classifier there.
        scratch: Folder for checkpoints.
    """

    def __init__(
        self, packed: PackedChips, table: pd.DataFrame, parameters: Mapping[str, Any], name: str, scratch: Path
    ) -> None:
        self.name = name
        self.packed, self.table, self.scratch = packed, table.set_index("filename", drop=False), scratch
        settings = FeatureSettings(**parameters["features"] | {"families": ("cover",)})
        self.features = extract_features(packed, settings)
        self.layout = ChipLayout(bands=packed.bands, chip_size=packed.array.shape[-1], features=settings)
        self.stated = parameters["classification"]["models"][name]

    def learn(self, names: Sequence[str], labels: Mapping[str, int], seed: int) -> MineClassifier:
        """Learn from chips, and from others by the labels that reviewers gave them."""
        known = self.table.loc[[*names, *labels]].reset_index(drop=True)
        known["label"] = known["filename"].map(labels).fillna(known["label"]).astype(int)
        folds = known.assign(split="train", fold=pd.factorize(known["place"])[0] % 5)
        data = LabelledChips(self.packed, folds, {}, self.features)
        kind = read_kind(self.stated | ({"seed": seed} if self.name == "trees" else {}))
        found = cross_validate({self.name: kind}, data, self.layout, self.scratch, 1)[self.name]
        order = folds.set_index("filename").loc[list(found.filenames), "label"].to_numpy(dtype=np.int64)
        return MineClassifier(
            chosen=self.name,
            threshold=choose_threshold(order, found.probabilities, ThresholdSettings()),
            chips=ChipSettings(bands=self.packed.bands, size=self.layout.chip_size),
            models={self.name: found.model},
            blend=Blend(weights={self.name: 1.0}, intercept=0.0),
            novelty=fit_novelty(self.packed, folds),
        )

    def judge(self, model: MineClassifier, names: Sequence[str], **columns: str | int) -> pd.DataFrame:
        """Predict chips: one row per chip with its ``label``, ``place``, ``probability`` and ``called``."""
        probability = predict_packed(model.module, self.packed, names, 64)
        rows = self.table.loc[list(names), ["filename", "label", "place"]].reset_index(drop=True)
        return rows.assign(probability=probability, called=probability >= model.threshold, **columns)


def simulated_trial(
    seed: int, size: Size, parameters: Mapping[str, Any], name: str, *, by_browser: bool
) -> pd.DataFrame:
    """Map a third province, review it, learn again: one row per cell of other ground and ranking."""
    first, second, third = PROVINCES[seed % len(PROVINCES)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shared = {"pixels": size.pixels, "mines": size.mines, "dates": 1}
        write_simulated_series(
            folder / "known", SeriesSettings(provinces=(first, second, third), seed=100 + seed, **shared)
        )
        write_simulated_series(folder / "other", SeriesSettings(provinces=(third,), seed=200 + seed, **shared))
        learner = Learner(*_cells(folder, tuple(parameters["imagery"]["bands"])), parameters, name, folder / "fits")
        of = learner.table.groupby("ground")["filename"].agg(list)
        home = of[f"known {first}"] + of[f"known {second}"]
        model = learner.learn(home, {}, seed)
        found = map_scene(model, folder / "known/truth" / f"{third}.tif", folder)
        tables = [learner.judge(model, of[f"other {third}"], ranking=BEFORE, seed=seed, mines=0)]
        cells = of[f"known {third}"]
        for ranking in RANKINGS:
            places = rank_places([("", found)], Ranking(ranking), size.cells)
            shown = {place.place_id: cells[_cell_of(place, found.grid)] for place in places}
            truth = {place: bool(learner.table.loc[name, "label"]) for place, name in shown.items()}
            answers = review(places, truth, found, folder / ranking, by_browser=by_browser)
            corrections = find_corrections(answers, None, ())
            labels = {shown[row.place_id]: int(row.label) for row in corrections.itertuples()}
            again = learner.learn(home, labels, seed)
            judged = learner.judge(again, of[f"other {third}"], ranking=ranking, seed=seed, mines=sum(labels.values()))
            tables.append(judged)
    return pd.concat(tables, ignore_index=True)


def _cells(folder: Path, bands: tuple[str, ...]) -> tuple[PackedChips, pd.DataFrame]:
    """Cells of all simulated ground as chips, region by region and row by row."""
    tables, pixels = [], []
    for series in ("known", "other"):
        cut = cut_truth(folder / series, CELL)
        table = pd.DataFrame({"ground": [f"{series} {name}" for name in cut.regions], "label": cut.mines().astype(int)})
        number = table.groupby("ground").cumcount()
        across = round(float((number.max() + 1) ** 0.5))
        block = (number // across // _BLOCK).astype(str) + "/" + (number % across // _BLOCK).astype(str)
        tables.append(
            table.assign(filename=table["ground"] + " " + number.astype(str), place=table["ground"] + " " + block)
        )
        pixels += list(cut.reflectance[:, [COMPETITION_BANDS.index(band) for band in bands]])
    joined = pd.concat(tables, ignore_index=True)
    return pack_in_memory(pixels, joined["filename"].tolist(), bands), joined


def map_scene(model: MineClassifier, image: Path, folder: Path) -> SceneMap:
    """Map a raster with a classifier, window by window."""
    stored = folder / "model"
    stored.mkdir()
    save_complete(model, stored)
    settings = MappingSettings(tiling=TilingSettings(overlap=0.0))
    scene = Scene(image.stem, image, str(image))
    named = StoredModel(stored, load_pixel_predictor, model.chosen, "", hash_folder(stored))
    plan = plan_scene(scene, named, settings, PermitFiles())
    for part in waiting_parts(plan, folder / "maps"):
        map_part(plan, part)
    finish_scene(plan, folder / "maps")
    found = read_map(folder / "maps", scene.name)
    if found is None:
        raise RuntimeError(f"{scene.name} was not mapped.")
    return found


def _cell_of(place: Place, grid: ChipGrid) -> int:
    """Number of the cell that a place lies in, row by row."""
    (point,) = transformation(LON_LAT, grid.crs.to_wkt())(np.array([[place.longitude, place.latitude]]))
    column, row = ~grid.transform @ (float(point[0]), float(point[1]))
    return int(row // CELL) * (grid.width // CELL) + int(column // CELL)


def review(
    places: Sequence[Place], truth: Mapping[str, bool], found: SceneMap, folder: Path, *, by_browser: bool
) -> pd.DataFrame:
    """Answer places from the truth, in the review page or at once; the table of answers."""
    if not by_browser:
        return answer_table(
            [
                {"place_id": place.place_id, "region": place.region, "longitude": place.longitude,
                 "latitude": place.latitude, "reviewer": "simulated truth", "answer_id": place.place_id,
                 "answer": Answer.MINE if truth[place.place_id] else Answer.NO_MINE,
                 "answered_at": "2026-11-30T00:00:00+00:00"}
                for place in places
            ]
        )  # fmt: skip
    sys.path.append(str(PROJECT / "tests"))
    from support import browser as chromium
    from support.reviews import serving

    log = AnswerLog(folder / "answers.jsonl")
    session = ReviewSession(places, [image_of_map(found)], log, PictureCache(folder / "pictures"))
    with ExitStack() as stack:
        page, browser = stack.enter_context(serving(session, log)), stack.enter_context(chromium.running())
        browser.open(f"http://{page.host}/", 1366, 768)
        browser.type("Ana")
        browser.press("Enter")
        for done, place in enumerate(places):
            browser.run(_WAIT % f"{done} of {len(places)}")
            browser.type("m" if truth[place.place_id] else "8")
        browser.run(_WAIT % f"{len(places)} of {len(places)}")
    return answer_table([answer.model_dump() for answer in standing_answers(log.entries())])


#: Waits until the page shows the progress.
_WAIT: Final = """(async () => {
  while (!document.querySelector("#progress").textContent.includes("· %s")) await new Promise(d => setTimeout(d, 5));
})()"""


def amazon_trial(learner: Learner, region: str, seed: int, size: Size) -> pd.DataFrame:
    """Give chips of a region back: one row per chip of the region and ranking."""
    there, home = learner.table["region"] == region, learner.table["region"] != region
    names = learner.table.loc[home, "filename"].tolist()
    model = learner.learn(names, {}, seed)
    rows = learner.table[there]
    third = pd.Series(np.random.default_rng(seed).permutation(rows["place"].unique()))
    number = rows["place"].map({place: at % THIRDS for at, place in enumerate(third)})
    tables = []
    for turn in range(THIRDS):
        scored = rows.loc[number == turn, "filename"].tolist()
        offered = rows.loc[number != turn, "filename"].tolist()
        tables.append(learner.judge(model, scored, ranking=BEFORE, seed=seed, mines=0))
        for ranking, scores in _scores(learner, model, offered).items():
            chosen = [offered[at] for at in choose(scores, size.chips, 1000 * seed + turn)]
            labels = {name: int(learner.table.loc[name, "label"]) for name in chosen}
            again = learner.learn(names, labels, seed)
            tables.append(learner.judge(again, scored, ranking=ranking, seed=seed, mines=sum(labels.values())))
    return pd.concat(tables, ignore_index=True)


def _scores(learner: Learner, model: MineClassifier, names: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Scores of chips by ranking."""
    probability = learner.judge(model, names)["probability"].to_numpy(dtype=np.float64)
    reflectance = np.stack([learner.packed.reflectance(int(row)) for row in learner.packed.rows(names)])
    if model.novelty is None:
        raise RuntimeError("The model has no description of its training chips.")
    return {
        Ranking.RANDOM.value: np.zeros(len(names)),
        Ranking.UNCERTAIN.value: uncertainty(probability),
        Ranking.NOVEL.value: model.novelty.score(reflectance),
    }


def report_simulation(cells: pd.DataFrame) -> None:
    """Print F1 and false alarms, with intervals of differences over seeds."""
    cells = cells.assign(
        hit=cells["called"] & (cells["label"] == 1),
        false=cells["called"] & (cells["label"] == 0),
        area=(CELL / 100) ** 2,
    )
    sums = cells.groupby(["ranking", "seed"]).agg(
        hit=("hit", "sum"), called=("called", "sum"), label=("label", "sum"), false=("false", "sum"),
        area=("area", "sum"), mines=("mines", "first"),
    )  # fmt: skip
    figures = {
        "F1": 2 * sums["hit"] / (sums["called"] + sums["label"]),
        "false alarms per 1 000 km²": 1000 * sums["false"] / sums["area"],
    }
    print(f"\nSimulation, a third biome, {cells['seed'].nunique()} seeds; mean (95 % interval of the mean difference)")
    for title, values in figures.items():
        by_seed = values.unstack("ranking")  # noqa: PD010 - one value a cell
        print(f"  {title}")
        for ranking in (BEFORE, *RANKINGS):
            line = f"    {ranking:10} {by_seed[ranking].mean():8.3f}   mines shown {sums['mines'][ranking].mean():3.0f}"
            for rival in (BEFORE, Ranking.RANDOM.value):
                if ranking not in {BEFORE, rival}:
                    line += f"   over {rival} {_over_seeds(by_seed[ranking] - by_seed[rival])}"
            print(line, flush=True)


def _over_seeds(difference: "pd.Series[float]") -> str:
    mean = float(difference.mean())
    if len(difference) < 2:
        return f"{mean:+.3f}"
    low, high = stats.ttest_1samp(difference, 0).confidence_interval()
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def report_amazon(chips: pd.DataFrame) -> None:
    """Print AUC and F1 over all regions and seeds, with intervals by place."""
    print(f"\nAmazon, {chips['region'].nunique()} regions left out, {chips['seed'].nunique()} seeds")
    tables = {
        ranking: rows.sort_values(["region", "seed", "filename"], ignore_index=True)
        for ranking, rows in chips.groupby("ranking")
    }
    places = tables[BEFORE]["place"]
    scorers = {
        "AUC": {
            name: weighted_scores(rows["label"], rows["probability"], 0.5, ("roc_auc",))
            for name, rows in tables.items()
        },
        "F1": {
            name: weighted_scores(rows["label"], rows["called"].astype(float), 0.5, ("f1",))
            for name, rows in tables.items()
        },
    }
    for title, by_ranking in scorers.items():
        print(f"  {title}")
        for ranking in (BEFORE, *RANKINGS):
            (value,) = bootstrap_intervals(by_ranking[ranking], places, BootstrapSettings()).values()
            line = f"    {ranking:10} {value.value:.3f} ({value.low:.3f} to {value.high:.3f})"
            for rival in (BEFORE, Ranking.RANDOM.value):
                if ranking not in {BEFORE, rival}:
                    (ahead,) = paired_difference(
                        by_ranking[ranking], by_ranking[rival], places, BootstrapSettings()
                    ).values()
                    line += f"   over {rival} {ahead.value:+.3f} ({ahead.low:+.3f} to {ahead.high:+.3f})"
            print(line, flush=True)


def run_simulation(name: str, seeds: int, size: Size, results: Path, *, by_browser: bool) -> None:
    """Make the parts of the simulation that are missing, and print all."""
    parameters = _parameters("base")
    parts = [results / f"simulation-{name}-{size.pixels}-{size.mines}-{seed}.csv" for seed in range(seeds)]
    for seed, part in enumerate(parts):
        if not part.is_file():
            started = time.perf_counter()
            _keep(part, simulated_trial(seed, size, parameters, name, by_browser=by_browser and seed == 0))
            print(f"{part.stem}: {time.perf_counter() - started:.0f} s", flush=True)
    report_simulation(pd.concat(map(pd.read_csv, parts)))


def run_amazon(folder: Path, name: str, seeds: int, size: Size, results: Path) -> None:
    """Make the parts of the Amazon that are missing, and print all."""
    parameters = _parameters("amazon_mines")
    with tempfile.TemporaryDirectory() as scratch:
        chips = amazon_chips(folder, ChipSettings(**parameters["imagery"]), scratch)
        sizes = chips.table["region"].value_counts()
        regions = sorted(str(each) for each, count in sizes.items() if count >= LEAST_CHIPS)
        learner = Learner(chips.packed, chips.table, parameters, name, Path(scratch) / "fits")
        tables = []
        for seed in range(seeds):
            for region in regions:
                part = results / f"amazon-{name}-{region}-{seed}.csv"
                if not part.is_file():
                    started = time.perf_counter()
                    _keep(part, amazon_trial(learner, region, seed, size).assign(region=region))
                    print(f"{part.stem}: {time.perf_counter() - started:.0f} s", flush=True)
                tables.append(pd.read_csv(part))
    report_amazon(pd.concat(tables))


def _parameters(env: str) -> dict[str, Any]:
    loader = OmegaConfigLoader(str(PROJECT / "conf"), base_env="base", env=env, merge_strategy={"parameters": "soft"})
    parameters: dict[str, Any] = loader["parameters"]
    return parameters


def _keep(part: Path, table: pd.DataFrame) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(part) as draft:
        table.to_csv(draft, index=False)


def main(arguments: Iterable[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chips", type=Path, default=PROJECT.parent / "shared/data/amazon_mines")
    parser.add_argument("--part", choices=("simulation", "amazon"), help="by default both")
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    parser.add_argument("--pixels", type=int, default=Size.pixels, help="edge of a simulated region in pixels")
    parser.add_argument("--mines", type=int, default=Size.mines, help="mines of a simulated region")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-browser", action="store_true", help="answer at once, without the review page")
    parser.add_argument("--results", type=Path, default=PROJECT / "data/learning_loop", help="folder of the parts")
    options = parser.parse_args(None if arguments is None else list(arguments))
    if options.part != "simulation" and not options.chips.is_dir():
        parser.error(f"{options.chips} does not exist: say with --chips where the chips of Amazon mines lie")
    size = Size(options.pixels, options.mines)
    if options.part != "amazon":
        run_simulation(options.model, options.seeds, size, options.results, by_browser=not options.no_browser)
    if options.part != "simulation":
        run_amazon(options.chips, options.model, options.seeds, size, options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
