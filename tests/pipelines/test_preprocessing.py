"""Nodes of preprocessing leave finished folders behind, from a folder of chips or from an archive of it."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from mining_the_mines.chips.archives import ZippedChips
from mining_the_mines.chips.folder import ChipFolder, LabelFormat
from mining_the_mines.chips.folds import FoldSettings
from mining_the_mines.chips.masks import MaskSettings
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.pipelines.preprocessing.nodes import (
    assign_folds,
    cut_windows,
    describe_masks,
    draw_masks,
    judge_chips,
    measure_bands,
    pack_chips,
)
from support.chip_files import labels_for
from support.chip_polygons import LEFT, TOP, outlines_in, square, utm_grid, write_chips

NAMES = [f"chip_{number}.tif" for number in range(12)]
IMAGERY = ChipSettings(bands=("B4", "B8"), min_chips_per_class=2)
FOLDS = FoldSettings(folds=2, test_share=0, group_by="near_duplicates")


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Twelve chips in a row, half of them labelled as mines."""
    write_chips(
        tmp_path / "given" / "images",
        {name: utm_grid(32, 32, left=LEFT + 320 * number) for number, name in enumerate(NAMES)},
    )
    labels_for(NAMES).to_csv(tmp_path / "given" / "labels.csv", index=False)
    return tmp_path / "given"


def test_folders_and_archives_give_the_same(labelled: Path, tmp_path: Path) -> None:
    drafts, unpacked = tmp_path / "drafts", tmp_path / "unpacked"
    archive = Path(shutil.make_archive(str(tmp_path / "given"), "zip", labelled))
    hashes = set()
    for chips in (
        ChipFolder(labelled / "images", labels_for(NAMES)),
        ZippedChips(archive, "images", "labels.csv", LabelFormat()),
    ):
        manifest, rejected = judge_chips(chips, unpacked, IMAGERY, drafts)
        assert rejected.empty
        hashes.add(pack_chips(chips, unpacked, manifest, IMAGERY, drafts).content_hash)
    assert len(hashes) == 1
    assert [path.name for path in drafts.iterdir()] == ["packed_chips"]


def test_reasons_of_a_run_that_stops(labelled: Path, tmp_path: Path) -> None:
    chips = ChipFolder(labelled / "images", labels_for(NAMES).assign(label="maybe"))
    table = tmp_path / "drafts" / "rejected_chips.csv"
    with pytest.raises(BadInputError, match=f"12 bad label .such as chip_0.tif: line 0 says 'maybe'.*{table} lists"):
        judge_chips(chips, tmp_path / "unpacked", IMAGERY, tmp_path / "drafts")
    assert pd.read_csv(table)["reason"].str.contains("'maybe'").all()


def test_from_chips_to_windows(labelled: Path, tmp_path: Path) -> None:
    drafts, unpacked = tmp_path / "drafts", tmp_path / "unpacked"
    chips = ChipFolder(labelled / "images", labels_for(NAMES))
    polygons = outlines_in(tmp_path, [square(LEFT + 20, TOP - 100, 60)])
    manifest, _ = judge_chips(chips, unpacked, IMAGERY, drafts)
    folds = assign_folds(manifest, None, FOLDS)
    packed = pack_chips(chips, unpacked, manifest, IMAGERY, drafts)
    assert set(measure_bands(packed, folds)) == {"all", "0", "1"}
    masks, inventory = draw_masks(chips, unpacked, packed, polygons, None, MaskSettings(), drafts)
    assert inventory["verdict"].tolist() == ["accepted"]
    table = describe_masks(chips, unpacked, packed, masks, polygons, None, MaskSettings())
    assert table.set_index("filename")["mine_pixels"].sum() == 36
    windows = cut_windows(packed, masks, polygons, None, folds, WindowSettings())
    assert windows["kind"].value_counts().to_dict() == {"other": 11, "mine": 1}
    assert sorted(path.name for path in drafts.iterdir()) == ["masks", "packed_chips"]
