"""How well areas are estimated: the worked examples of the papers, and how often intervals hold the truth.

The examples are those of Olofsson et al. (2014) and of Stehman (2014), where strata are not the classes. The simulation
draws 1 000 samples of the map of the default run's test region, whose mines are known, and judges them by the truth;
then again as if mines hid in the ground that the map calls unlikely. Rivals are the pixel count and the usual interval
of 1.96 standard errors. An interval should hold the truth in 93 to 97 % of the samples. Last, a change between two
periods whose maps have strata of their own: places judged in both, against places drawn anew.

    python benchmarks/area_estimation.py --data data/simulated
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from mining_the_mines.assessment.area_estimates import estimate_areas
from mining_the_mines.assessment.drawing import draw_sample
from mining_the_mines.assessment.estimators import StratifiedSample
from mining_the_mines.assessment.settings import AreaSettings, SamplingSettings
from mining_the_mines.assessment.strata import MapStrata, MapToSample, paint
from mining_the_mines.geo.mine_polygons import LON_LAT, read_mine_polygons, transformation
from mining_the_mines.mapping.scene_map import open_maps

PROJECT: Final = Path(__file__).parents[1]
LEAST: Final = 0.93
MOST: Final = 0.97
#: Rows and columns of Table 8 of Olofsson et al. (2014), and mapped pixels of 0.09 ha.
MATRIX: Final = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS: Final = (200_000.0, 150_000.0, 3_200_000.0, 6_450_000.0)
#: Table 2 of Stehman (2014): stratum, map class and reference class of 40 places.
STRATA: Final = "A" * 10 + "B" * 10 + "C" * 10 + "D" * 10
MAPPED: Final = "AAAAAAABBBABBBBBBBBBBBCCCCCCBBDDDDDDDDDD"
#: Strata of the ground that changes.
CHANGING: Final = ("mine", "near_mine", "rest")
REFERENCE: Final = "AAAAACBABCABBBBBAABBCCCCCDDBBADDDDDDDCCB"


def main() -> int:
    """Print the figures; 1 if an interval holds the truth too rarely or too often."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT / "data/simulated")
    parser.add_argument("--samples", type=int, default=1000)
    options = parser.parse_args()
    olofsson()
    stehman()
    change = simulate_change(options.samples)
    if not (options.data / "07_model_output/maps/maps.json").is_file():
        print(f"{options.data} has no map: run make demo first.", file=sys.stderr)
        return 2
    pixels, mines, strata, places = read_ground(options.data)
    print(f"\nTest region: pixels {pixels.to_dict()}, of these mines {mines.to_dict()}, places {places.to_dict()}")
    good = simulate(pixels, mines, strata, places, options.samples)
    hidden = mines.copy()
    hidden["low_probability"] += round(0.003 * pixels["low_probability"])
    print(f"\nThe same with 0.3 % of the unlikely ground mined: {hidden.to_dict()}")
    return 0 if simulate(pixels, hidden, strata, places, options.samples) and good and change else 1


def olofsson() -> None:
    """Print the areas of the example."""
    rows, columns = np.indices(MATRIX.shape)
    mapped, reference = (np.repeat(axis.ravel(), MATRIX.ravel()) for axis in (rows, columns))
    areas = {str(number): area for number, area in enumerate(PIXELS)}
    sample = StratifiedSample.of([str(number) for number in mapped], areas)
    print("Olofsson et al. (2014): pixels, standard error, hectares ± 1.96 standard errors (printed)")
    printed = ("21 158 ± 6158", "11 686 ± 3756", "285 770 ± 15 510", "581 386 ± 16 282")
    for number, text in enumerate(printed):
        area = sample.total(reference == number)
        print(f"  {area.value:12.0f} {area.standard_error:9.0f} {0.09 * area.value:9.0f} ± "
              f"{0.09 * 1.96 * area.standard_error:6.0f} ({text})")  # fmt: skip


def stehman() -> None:
    """Print the figures of the example."""
    sample = StratifiedSample.of(list(STRATA), {"A": 40_000.0, "B": 30_000.0, "C": 20_000.0, "D": 10_000.0})
    mapped, reference = np.array(list(MAPPED)), np.array(list(REFERENCE))
    agrees = mapped == reference
    figures = {
        "area of A (0.35, 0.082)": sample.total(reference == "A").times(1 / sample.total_area),
        "area of C (0.20, 0.064)": sample.total(reference == "C").times(1 / sample.total_area),
        "overall accuracy (0.63, 0.085)": sample.total(agrees).times(1 / sample.total_area),
        "user's accuracy of B (0.574, 0.125)": sample.ratio(agrees & (mapped == "B"), mapped == "B"),
        "producer's accuracy of B (0.794, 0.117)": sample.ratio(agrees & (reference == "B"), reference == "B"),
    }
    print("\nStehman (2014): value and standard error (printed)")
    for name, figure in figures.items():
        print(f"  {figure.value:.3f} {figure.standard_error:.3f}  {name}")


def read_ground(data: Path) -> tuple["pd.Series[int]", "pd.Series[int]", pd.DataFrame, "pd.Series[int]"]:
    """Pixels and mines of each stratum of the first map, its strata, and the places that the defaults draw."""
    source = MapToSample(open_maps(data / "07_model_output/maps").maps[0])
    settings = SamplingSettings()
    strata = MapStrata(source, settings.strata)
    grid = source.scene_map.grid
    known = read_mine_polygons(data / "01_raw/archive/mines.gpkg").geometry
    placed = shapely.transform(known, transformation(LON_LAT, grid.crs.to_wkt()))
    counts = np.zeros((2, len(strata.cells)), dtype=np.int64)
    for block in strata.blocks():
        seen = block.cells >= 0
        mine = seen & (paint(placed, grid, block.first_row, len(block.cells)) > 0)
        counts += [np.bincount(block.cells[chosen], minlength=len(strata.cells)) for chosen in (seen, mine)]
    names = [cell.ground for cell in strata.cells]
    pixels, mines = (pd.Series(count).groupby(names).sum() for count in counts)
    sample = draw_sample([source], settings)
    return pixels, mines, sample.strata, sample.places.groupby("stratum").size()


def simulate(
    pixels: "pd.Series[int]", mines: "pd.Series[int]", strata: pd.DataFrame, places: "pd.Series[int]", samples: int
) -> bool:
    """Print how often intervals hold the truth; false if ours do too rarely or too often."""
    random = np.random.default_rng(11)
    hectares = strata.groupby("stratum")["hectares"].sum()
    truth = float((hectares * mines / pixels).sum())
    counted = float(hectares["mine"])
    estimates = [_estimate(pixels, mines, strata, places, random) for _ in range(samples)]
    value, error, lower, upper = (np.array(column) for column in zip(*estimates, strict=True))
    ours = float(np.mean((lower <= truth) & (truth <= upper)))
    usual = float(np.mean(np.abs(value - truth) <= 1.96 * error))
    print(f"  truth {truth:.1f} ha; pixel count {counted:.1f} ha ({counted / truth - 1:+.1%})")
    print(f"  mean of {samples} estimates {value.mean():.1f} ha ({value.mean() / truth - 1:+.1%}), spread "
          f"{value.std():.1f}, mean standard error {error.mean():.1f} ha")  # fmt: skip
    print(f"  our intervals hold the truth in {ours:.1%} (mean width {np.mean(upper - lower):.0f} ha), "
          f"1.96 standard errors in {usual:.1%} ({np.mean(3.92 * error):.0f} ha)")  # fmt: skip
    return LEAST <= ours <= MOST


def simulate_change(samples: int) -> bool:
    """Print how exactly a change is estimated; false if its intervals hold the truth too rarely or too often.

    Of 20 000 pixels 8 % are mines, and 11 % a period later; both maps miss 30 % of them and call 2 % of the others
    mines, with errors that stay at nine pixels of ten. Strata are mapped mines, suspected ground and the rest.
    """
    random = np.random.default_rng(5)
    risk, error = random.random((2, 20_000))
    ground, strata = [], []
    for period, mine in (("2023", risk < 0.08), ("2024", risk < 0.11)):
        error = np.where(random.random(len(risk)) < 0.1, random.random(len(risk)), error)
        ground.append((period, np.select([mine & (error > 0.3) | (error < 0.02), error < 0.2], [0, 1], 2), mine))
        pixels = np.bincount(ground[-1][1])
        strata.append(pd.DataFrame(
            {"stratum": CHANGING, "map_class": ["mine", "no_mine", "no_mine"], "period": period, "region": "",
             "unit": "", "pixels": pixels, "hectares": pixels / 100}
        ))  # fmt: skip
    truth = (ground[1][2].sum() - ground[0][2].sum()) / 100
    print(f"\nChange of {truth:+.2f} ha between two periods, 400 places in each")
    held = 0.0
    for words, shared in (("places judged in both", True), ("places drawn anew", False)):
        found = []
        for _ in range(samples):
            keys = random.random((2, len(risk)))
            judged = [_judge(*each, keys[0 if shared else number]) for number, each in enumerate(ground)]
            table = estimate_areas(pd.concat(judged), pd.concat(strata), AreaSettings()).set_index("measure")
            found.append(table.loc["net_change", ["value", "standard_error", "lower", "upper"]].to_numpy(np.float64))
        value, error_, lower, upper = np.array(found).T
        share = float(np.mean((lower <= truth) & (truth <= upper)))
        held = held or share
        print(f"  {words}: mean {value.mean():+.2f} ha, spread {value.std():.2f}, mean standard error "
              f"{error_.mean():.2f}; intervals hold the truth in {share:.1%} (mean width "
              f"{np.mean(upper - lower):.2f} ha)")  # fmt: skip
    return LEAST <= held <= MOST


def _judge(
    period: str, stratum: npt.NDArray[np.int64], mine: npt.NDArray[np.bool_], keys: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Places with the smallest keys of each stratum, judged by the truth."""
    order = np.argsort(keys)
    rows = np.concatenate([order[stratum[order] == one][:size] for one, size in enumerate((120, 120, 160))])
    return pd.DataFrame(
        {"stratum": np.array(CHANGING)[stratum[rows]], "map_class": np.where(stratum[rows] == 0, "mine", "no_mine"),
         "period": period, "region": "", "unit": "", "first_date": period, "mapped_hectares": 1.0, "weight": 1.0,
         "map_hash": "", "reviewers": "simulated truth", "answered": "", "longitude": rows, "latitude": 0.0,
         "answer": np.where(mine[rows], "mine", "no_mine")}
    )  # fmt: skip


def _estimate(
    pixels: "pd.Series[int]",
    mines: "pd.Series[int]",
    strata: pd.DataFrame,
    places: "pd.Series[int]",
    random: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Area, standard error and interval of one sample, by the table that the pipeline makes."""
    draw = random.hypergeometric(mines.to_numpy(), (pixels - mines).to_numpy(), places.to_numpy())
    found = dict(zip(places.index, draw, strict=True))
    judged = pd.DataFrame(
        [
            {"stratum": name, "map_class": "mine" if name == "mine" else "no_mine", "period": "", "region": "",
             "unit": "", "first_date": "", "mapped_hectares": 1.0, "weight": 1.0, "map_hash": "",
             "reviewers": "simulated truth", "answered": "",
             "answer": "mine" if number < found[name] else "no_mine"}
            for name, count in places.items()
            for number in range(count)
        ]
    )  # fmt: skip
    table = estimate_areas(judged, strata, AreaSettings()).set_index(["measure", "class"])
    return table.loc[("area", "mine"), ["value", "standard_error", "lower", "upper"]].to_numpy(dtype=np.float64)


if __name__ == "__main__":
    raise SystemExit(main())
