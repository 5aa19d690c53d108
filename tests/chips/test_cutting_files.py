"""Chips that were cut, as the rest of the pipeline reads them."""

from pathlib import Path

from chips.composited import BANDS, at, composite_at
from chips.outlining import outlines_in, square
from mining_the_mines.chips.cutting import CuttingSettings, cut_chips
from mining_the_mines.chips.cutting_files import write_chips
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.labels import read_labels
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.quality import ChipSettings


def test_the_folder_is_read_as_handed_over_chips_are(tmp_path: Path) -> None:
    composite = composite_at(tmp_path)
    outlines = outlines_in(tmp_path, [square(*at(2, 12), 100)])
    folder = tmp_path / "chips"
    write_chips(cut_chips([composite], outlines, CuttingSettings(size=16)), folder)
    chips = ChipFolder(folder / "images", read_labels(folder / "labels.csv"))
    manifest = take_inventory(chips, ChipSettings(bands=BANDS))
    assert len(manifest) == 20
    assert (manifest["verdict"] == "accepted").all()
    assert list(manifest.loc[manifest["label"] == 1, "filename"]) == ["north_r000_c000.tif"]
