"""The benchmark of reviewing and learning again."""

import sys
from pathlib import Path

import pandas as pd
import pytest

# Not on pytest's path: benchmarks/mapping.py would hide tests/mapping.
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
try:
    import learning_loop
finally:
    del sys.path[0]

NAMES = ("before", "random", "uncertain", "novel")


def part(seed: int, misses: dict[str, int]) -> pd.DataFrame:
    """Twenty cells in four places, a mine in every other one, of which some are missed."""
    tables = []
    for name in NAMES:
        label = pd.Series([0, 1] * 10)
        called = (label == 1) & (label.cumsum() > misses[name])
        tables.append(
            pd.DataFrame(
                {
                    "filename": range(20), "label": label, "place": [at // 5 for at in range(20)], "ranking": name,
                    "probability": called * 0.6 + 0.2, "called": called | (label.index == 0), "seed": seed, "mines": 7,
                }
            )
        )  # fmt: skip
    return pd.concat(tables)


def test_finished_parts_are_read_and_paired(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(2):
        misses = {"before": 6 - seed, "random": 4, "uncertain": 1, "novel": 4}
        part(seed, misses).to_csv(tmp_path / f"simulation-logistic-576-15-{seed}.csv", index=False)
    assert learning_loop.main(["--part", "simulation", "--seeds", "2", "--results", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "uncertain     0.900   mines shown   7   over before" in told
    assert "over random +0.194" in told
    assert "novel         0.706   mines shown   7   over before" in told


def test_pairs_by_place(capsys: pytest.CaptureFixture[str]) -> None:
    chips = part(0, {"before": 6, "random": 4, "uncertain": 1, "novel": 4}).assign(region="north")
    learning_loop.report_amazon(chips)
    told = capsys.readouterr().out
    assert "Amazon, 1 regions left out, 1 seeds" in told
    assert "over random +0.000 (+0.000 to +0.000)" in told
