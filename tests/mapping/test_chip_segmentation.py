"""Every chip of a folder is outlined where it lies, or gets the reason why not."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from rasterio.crs import CRS

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.mapping import chip_segmentation as outlining
from mining_the_mines.mapping.chip_segmentation import LeftOutChip, SegmentedChip, SegmentedChips
from mining_the_mines.mapping.settings import VectorSettings
from mining_the_mines.rasters.chip import ChipError
from support.chip_files import BANDS, write_chip
from support.segmenters import (
    DEGREES,
    FIELD,
    FIELD_PIXELS,
    UTM,
    BrightnessOutliner,
    bright_field,
    mixed_folder,
    write_mine,
)


def outline(folder: Path, segmenter: BrightnessOutliner | None = None) -> dict[str, SegmentedChip | LeftOutChip]:
    stream = SegmentedChips(ChipFolder(folder), segmenter or BrightnessOutliner(), VectorSettings())
    return {chip.filename: chip for chip in stream}


def found(chip: SegmentedChip | LeftOutChip) -> SegmentedChip:
    assert isinstance(chip, SegmentedChip), chip
    return chip


def reason(chip: SegmentedChip | LeftOutChip) -> str:
    assert isinstance(chip, LeftOutChip), chip
    return chip.reason


@dataclass(frozen=True)
class RecordingOutliner(BrightnessOutliner):
    """Remembers what it was given."""

    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def predict(self, reflectance: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
        """As the brightness has it."""
        self.shapes.append(reflectance.shape)
        return super().predict(reflectance)


@pytest.fixture
def four_mines(tmp_path: Path) -> Path:
    """Four chips, three of one size."""
    for name in ("a", "b", "d"):
        write_mine(tmp_path / f"{name}.tif")
    write_chip(tmp_path / "c.tif", bright_field(size=20), georeferenced=True)
    return tmp_path


@pytest.mark.parametrize("crs", [UTM, DEGREES], ids=["UTM", "degrees"])
def test_a_mine_is_outlined_where_it_lies(tmp_path: Path, crs: CRS) -> None:
    write_mine(tmp_path / "mine.tif", crs)
    chip = found(outline(tmp_path)["mine.tif"])
    (polygon,) = chip.outlines.geometry
    rows, columns = FIELD
    left, top = chip.grid.transform @ (columns.start, rows.start)
    right, bottom = chip.grid.transform @ (columns.stop, rows.stop)
    assert polygon.bounds == pytest.approx((left, bottom, right, top), abs=1e-9)
    assert chip.outlines["area_ha"][0] == pytest.approx(FIELD_PIXELS / 100, rel=0.02)
    assert chip.mask.sum() == FIELD_PIXELS
    assert (chip.mask[FIELD] == 1).all()


def test_chips_of_any_shape_are_outlined_in_the_order_of_the_folder(tmp_path: Path) -> None:
    results = outline(mixed_folder(tmp_path).images)
    assert list(results) == ["broken.tif", "degrees.tif", "forest.tif", "night.tif", "nowhere.tif", "utm.tif"]
    assert found(results["forest.tif"]).mask.shape == (12, 16)
    assert len(found(results["forest.tif"]).outlines) == 0


@pytest.mark.parametrize(
    ("filename", "words"),
    [("broken.tif", "can't be read"), ("nowhere.tif", "no CRS"), ("night.tif", "empty")],
)
def test_a_chip_that_cant_be_outlined_gives_its_name_and_the_reason(tmp_path: Path, filename: str, words: str) -> None:
    told = reason(outline(mixed_folder(tmp_path).images)[filename])
    assert filename in told
    assert words in told


def test_a_chip_that_lacks_a_band_gives_the_reason(tmp_path: Path) -> None:
    write_chip(tmp_path / "blue.tif", bright_field()[:2], BANDS[:2], georeferenced=True)
    assert "lacks B4" in reason(outline(tmp_path)["blue.tif"])


def test_a_chip_on_a_grid_of_its_own_gives_the_reason(tmp_path: Path) -> None:
    write_mine(tmp_path / "local.tif", CRS.from_wkt('LOCAL_CS["mine grid",UNIT["metre",1]]'))
    told = reason(outline(tmp_path)["local.tif"])
    assert "local.tif" in told
    assert "can't be placed on the Earth" in told


def test_a_chip_without_a_pixel_that_can_be_judged_gives_the_reason(tmp_path: Path) -> None:
    pixels = bright_field()
    pixels[0, :8] = np.nan  # no pixel has data in both bands
    pixels[1, 8:] = np.nan
    write_chip(tmp_path / "halves.tif", pixels, scaled=False, georeferenced=True)
    told = reason(outline(tmp_path)["halves.tif"])
    assert "halves.tif has no pixel with data in every band" in told


def test_pixels_without_data_are_unknown(tmp_path: Path) -> None:
    pixels = bright_field()
    pixels[:, 12:] = 0
    write_chip(tmp_path / "half.tif", pixels, georeferenced=True)
    chip = found(outline(tmp_path)["half.tif"])
    assert (chip.mask[12:] == UNKNOWN).all()
    assert (chip.mask[:12] != UNKNOWN).all()


def test_neighbours_of_equal_size_go_through_the_model_together(four_mines: Path) -> None:
    segmenter = RecordingOutliner()
    results = outline(four_mines, segmenter)
    assert [shape[0] for shape in segmenter.shapes] == [2, 1, 1]
    assert all(found(chip).mask.sum() == FIELD_PIXELS for chip in results.values())


def test_large_chips_go_through_the_model_one_by_one(four_mines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlining, "BATCH_PIXELS", 300)
    segmenter = RecordingOutliner()
    assert len(outline(four_mines, segmenter)) == 4
    assert [shape[0] for shape in segmenter.shapes] == [1, 1, 1, 1]


def test_several_threads_read_the_same(four_mines: Path) -> None:
    threads = BrightnessOutliner(ChipSettings(bands=BANDS, workers=3))
    alone, together = outline(four_mines), outline(four_mines, threads)
    assert list(alone) == list(together)
    assert all(np.array_equal(found(alone[name]).mask, found(together[name]).mask) for name in alone)


def test_nothing_is_read_before_somebody_goes_through(tmp_path: Path) -> None:
    stream = SegmentedChips(ChipFolder(tmp_path / "nowhere"), BrightnessOutliner(), VectorSettings())
    with pytest.raises(ChipError, match="There is no folder"):
        list(stream)
