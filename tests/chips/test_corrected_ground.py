"""Corrections of reviewers in polygons, chips, masks and folds."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.chips.corrected_ground import REVIEW, apply_corrections
from mining_the_mines.chips.cutting import CuttingSettings, cut_chips
from mining_the_mines.chips.folds import FoldSettings, assign_folds
from mining_the_mines.chips.masks import MaskSettings, draw_masks, place_chips
from mining_the_mines.core.errors import BadInputError
from support.chip_polygons import LEFT, TOP, outlines_in, pack, square, utm_grid, write_chips
from support.composites import at, composite_at
from support.corrected_places import corrections_of

SETTINGS = CuttingSettings(size=16, block=2)


def labels(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "labels.csv", keep_default_na=False).set_index("filename")


def test_corrected_polygons(tmp_path: Path) -> None:
    before = outlines_in(tmp_path, [square(LEFT + offset, TOP, 100) for offset in (0, 1000, 3000)])
    after = apply_corrections(
        before,
        corrections_of(
            {
                (LEFT + 50, TOP + 50): ("no_mine", "river"),
                (LEFT + 1050, TOP + 50): ("mine", square(LEFT + 1000, TOP, 200)),
                (LEFT + 2050, TOP + 50): ("mine", square(LEFT + 2000, TOP, 100)),
                (LEFT + 3050, TOP + 50): ("mine", None),
                (LEFT + 4050, TOP + 50): ("mine", None),
            }
        ),
    )
    assert after.polygons.hectares.round(1).tolist() == [1, 4, 1]
    rows = after.polygons.inventory
    assert rows["reason"].str.partition(":")[0].fillna("").tolist() == ["rejected", "redrawn", "", "", ""]
    assert (rows["layer"] == REVIEW).tolist() == [False] * 3 + [True] * 2
    assert after.without_outline.tolist() == [False] * 4 + [True]


def test_polygons_of_reviewers_alone() -> None:
    after = apply_corrections(None, corrections_of({(LEFT, TOP): ("mine", square(LEFT, TOP, 100))}))
    assert after.polygons.hectares.round(1).tolist() == [1]


def test_chips_learn_from_corrections(tmp_path: Path) -> None:
    mines = outlines_in(tmp_path, [square(*at(2, 12), 100), square(*at(66, 12), 100)])
    table = corrections_of(
        {at(4, 10): ("no_mine", "fish_ponds"), at(40, 40): ("mine", None), at(24, 24): ("no_mine", "river")}
    )
    cut = cut_chips(
        [composite_at(tmp_path)], mines, SETTINGS, tmp_path / "chips", corrected=apply_corrections(mines, table)
    )
    found = labels(cut.folder)
    grid = found.filter(regex="_r", axis=0)
    # The rejected mine is none, with its look-alike; the missed one is a mine, without an outline.
    assert grid[["label", "category", "corrections"]].to_dict("split")["data"][0] == [0, "fish_ponds", "p0"]
    assert grid.loc["north_r002_c002.tif"].to_dict().items() >= {"label": 1, "corrections": "p1"}.items()
    assert grid.loc["north_r000_c004.tif", "label"] == 1
    # A chip more is centred on each place but the one at the edge, in the group of its ground.
    extra = found.loc[["north_p1.tif", "north_p2.tif"]]
    assert extra["label"].tolist() == [1, 0]
    assert extra.loc["north_p2.tif", "category"] == "river"
    assert extra["group"].to_list()[0] == grid.loc["north_r002_c002.tif"].to_dict()["group"]


def test_regions_without_polygons_get_labels_where_reviewers_looked(tmp_path: Path) -> None:
    corrected = apply_corrections(None, corrections_of({at(40, 40): ("mine", None), at(24, 24): ("no_mine", "river")}))
    cut = cut_chips([composite_at(tmp_path)], None, SETTINGS, tmp_path / "chips", corrected=corrected)
    assert labels(cut.folder)["corrections"].ne("").all()
    assert cut.record.mines == 2
    assert cut.record.unlabelled == 18


def test_mines_without_outline_have_no_mask(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chips = write_chips(tmp_path / "images", {"a.tif": utm_grid(16, 16), "b.tif": utm_grid(16, 16, left=LEFT + 160)})
    mines = outlines_in(tmp_path, [square(LEFT + 20, TOP - 100, 60)])
    corrected = apply_corrections(mines, corrections_of({(LEFT + 200, TOP - 50): ("mine", None)}))
    with caplog.at_level(logging.WARNING):
        masks = draw_masks(pack(chips), chips, mines, MaskSettings(), tmp_path / "masks", corrected=corrected)
    assert masks.filenames == ("a.tif",)
    assert "1 of 2 chips have no mask: reviewers saw a mine" in caplog.text
    assert place_chips(chips, ["b.tif"], corrected=corrected).left_out["b.tif"].startswith("no outline")


def chips_in_a_row(group: list[str]) -> pd.DataFrame:
    """Accepted chips of 0.006 degrees at the equator, 0.1 degrees apart."""
    west = np.arange(len(group)) / 10
    return pd.DataFrame(
        {
            "filename": [f"{number:03d}.tif" for number in range(len(group))],
            "label": pd.array([number % 2 for number in range(len(group))], dtype="Int64"),
            "category": None, "group": group, "longitude": west + 0.003, "latitude": 0.003, "left": west,
            "bottom": 0.0, "right": west + 0.006, "top": 0.006, "verdict": "accepted",
            "near_duplicate": pd.array([None] * len(group), dtype="Int64"),
        }
    )  # fmt: skip


def test_corrected_places_are_never_tested() -> None:
    chips = chips_in_a_row([f"g{number // 4}" for number in range(80)])
    before = assign_folds(chips, FoldSettings(folds=2))
    # An outline whose own place lies elsewhere reaches a chip of the test split.
    tested = chips[before["split"] == "test"].iloc[0]
    table = corrections_of({(LEFT, TOP): ("mine", square(LEFT, TOP, 100))})
    outline = table.geometry.translate(tested["left"] - table.geometry[0].bounds[0], -table.geometry[0].bounds[1])
    table = table.set_geometry(outline)
    after = assign_folds(chips, FoldSettings(folds=2), table).set_index("filename")
    place = after.loc[tested["filename"], "place"]
    assert set(after.loc[after["place"] == place, "split"]) == {"train"}
    assert (after["split"] == "test").sum() == (before["split"] == "test").sum() - 4
    with pytest.raises(BadInputError, match=f"test_groups keeps {place} for testing, where reviewers corrected labels"):
        assign_folds(chips, FoldSettings(folds=2, test_groups=("g*",)), table)
