"""Composites of whole regions, however they are divided or cut short."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.composite_files import INDEX, Composite, NoCompositeError, open_composites, write_index
from mining_the_mines.scenes.composites import block_shape, make_composites
from support.observed_requests import CLOUD, Observation, clear, month, plan_of, write_scene

BANDS = ("B2", "B5", "B1")
HERE = DaskSettings(workers=2)


class Blocks:
    """Counts the blocks to make, region by region, and interrupts the run after some."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.totals: list[int] = []
        self.left = stop_after

    @contextmanager
    def __call__(self, total: int, _description: str, /) -> Iterator[Callable[[], None]]:
        """Count the blocks of a region."""
        self.totals.append(total)
        yield self._advance

    def _advance(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt


def archive(folder: Path, dates: int = 5) -> list[pystac.Item]:
    """Some dates of 96 × 96 pixels with clouds here and there; the later dates have the offset of baseline 04.00."""
    rng = np.random.default_rng(1)
    items = []
    for number in range(dates):
        scl = clear()
        row, column = rng.integers(0, 40, 2)
        scl[row : row + 12, column : column + 12] = CLOUD
        late = number >= 3
        bands = {
            "blue": rng.integers(200, 900, (96, 96)).astype(np.uint16) + np.uint16(1000 * late),
            "rededge1": rng.integers(500, 2500, (48, 48)).astype(np.uint16) + np.uint16(1000 * late),
            "coastal": rng.integers(100, 800, (16, 16)).astype(np.uint16) + np.uint16(1000 * late),
        }
        seen = Observation(bands, scl, month(number + 1), "04.00" if late else "03.01")
        items.append(write_scene(folder, f"scene_{number}", seen))
    return items


def pixels(composite: Composite) -> np.ndarray:
    """Reflectance and clear dates together."""
    with rasterio.open(composite.image) as image, rasterio.open(composite.clear_dates) as dates:
        return np.concatenate([image.read(), dates.read()])


def make(items: list[pystac.Item], folder: Path, dask: DaskSettings = HERE, **settings: object) -> Composite:
    (composite,) = make_composites(plan_of(items, BANDS, **settings), folder, dask)
    return composite


@pytest.mark.parametrize(("block", "method"), [(40, "median"), (90, "medoid")])
def test_size_of_blocks(tmp_path: Path, block: int, method: str) -> None:
    items = archive(tmp_path / "archive")
    whole = make(items, tmp_path / "whole", block=512, method=method)
    divided = make(items, tmp_path / "divided", block=block, method=method)
    np.testing.assert_array_equal(pixels(divided), pixels(whole))


@pytest.mark.parametrize("scenes", [1, 10, 60, 200, 1000])
def test_memory_of_blocks(scenes: int) -> None:
    rows, columns = block_shape(scenes, 1024)
    assert scenes * rows * columns <= 2**26
    assert min(rows, columns) >= 60


def test_file(tmp_path: Path) -> None:
    composite = make(archive(tmp_path / "archive"), tmp_path / "composites")
    with rasterio.open(composite.image) as image:
        assert image.descriptions == BANDS
        assert image.nodata == 0
        assert (image.scales[0], image.offsets[0]) == (0.0001, -0.1)
        assert image.tags()["DATES"] == "2021-01-01 2021-02-01 2021-03-01 2021-04-01 2021-05-01"
        assert image.tags()["PROCESSING_BASELINES"] == "03.01 04.00"
        assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert image.res == (10, 10)


@pytest.mark.parametrize(
    ("flags", "doubt"),
    [
        ({"s2:processing_baseline": "03.01"}, "darker than 0.09"),
        ({"s2:processing_baseline": "04.00"}, "not there"),
    ],
)
def test_doubtful_offset(tmp_path: Path, caplog: pytest.LogCaptureFixture, flags: dict[str, str], doubt: str) -> None:

    added = 1000 if flags["s2:processing_baseline"] == "03.01" else 0
    ground = np.linspace(200, 3000, 96 * 96).reshape(96, 96).astype(np.uint16) + np.uint16(added)
    items = []
    for number in range(3):
        seen = Observation({"blue": ground, "nir": ground}, clear(), month(number + 1), flags["s2:processing_baseline"])
        items.append(write_scene(tmp_path / "archive", f"s{number}", seen))
    (composite,) = make_composites(plan_of(items, ("B2", "B8")), tmp_path / "composites", HERE)
    assert any(doubt in note for note in composite.notes)
    assert doubt in caplog.text


def cut_off(item: pystac.Item, band: str = "blue") -> tuple[Path, bytes]:
    """Cut a file off in the middle, so that its header still reads."""
    path = Path(item.assets[band].href)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path, whole


def test_healed_blocks(tmp_path: Path) -> None:
    items = archive(tmp_path / "archive")
    undisturbed = pixels(make(items, tmp_path / "undisturbed"))
    plans = plan_of(items, BANDS)
    assert plans[0].content_hash  # as it was planned: before the archive failed
    path, whole = cut_off(items[2])
    (lacking,) = make_composites(plans, tmp_path / "composites", HERE)
    (fault,) = lacking.faults
    assert fault.item == "scene_2"
    assert (pixels(lacking) != undisturbed).any()
    assert make_composites(plans, tmp_path / "composites", HERE) == (lacking,)
    path.write_bytes(whole)
    blocks = Blocks()
    (healed,) = make_composites(plan_of(items, BANDS), tmp_path / "composites", HERE, blocks)
    assert (healed.faults, blocks.totals) == ((), [fault.blocks])
    np.testing.assert_array_equal(pixels(healed), undisturbed)
    assert not (tmp_path / "composites" / "parts").exists()


def test_replaced_file(tmp_path: Path) -> None:
    items = archive(tmp_path / "archive", dates=2)
    before = pixels(make(items, tmp_path / "composites"))
    for item in items:
        path = Path(item.assets["blue"].href)
        path.write_bytes(Path(items[-1].assets["blue"].href).read_bytes())
    assert (pixels(make(items, tmp_path / "composites"))[0] != before[0]).any()


def test_unreadable_region(tmp_path: Path) -> None:
    items = archive(tmp_path / "archive", dates=2)
    for item in items:
        Path(item.assets["blue"].href).unlink()
    with pytest.raises(NoCompositeError, match="not one of 2 scenes can be read, the first for this reason"):
        make(items, tmp_path / "composites")
    assert not list((tmp_path / "composites").glob("**/*.npy"))


def test_too_few_days(tmp_path: Path) -> None:
    items = archive(tmp_path / "archive", dates=3)
    cut_off(items[0])
    cut_off(items[1])
    plans = [dataclasses.replace(plan, minimum_dates=3) for plan in plan_of(items, BANDS, block=512)]
    with pytest.raises(NoCompositeError, match=r"scenes of 1 days can be read where 3 are wanted; scene_0 fails"):
        make_composites(plans, tmp_path / "composites", HERE)


def test_no_clear_pixel(tmp_path: Path) -> None:
    items = archive(tmp_path / "archive", dates=2)
    with pytest.raises(NoCompositeError, match=r"no pixel is clear on 3 of 2 days"):
        make(items, tmp_path / "composites", minimum_clear_dates=3)


def test_failing_region(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good, bad = archive(tmp_path / "good", dates=2), archive(tmp_path / "bad", dates=2)
    for item in bad:
        Path(item.assets["blue"].href).unlink()
    (first,), (second,) = plan_of(bad, BANDS), plan_of(good, BANDS)
    plans = [
        dataclasses.replace(plan, region=dataclasses.replace(plan.region, name=name))
        for plan, name in ((first, "bad"), (second, "good"))
    ]
    made = make_composites(plans, tmp_path / "composites", HERE)
    assert [composite.region for composite in made] == ["good"]
    write_index(tmp_path / "composites", ["good"])
    assert open_composites(tmp_path / "composites") == made
    assert "Of bad no composite can be made" in caplog.text


@pytest.mark.parametrize("listed", [b"", b'{"regions": ["tapa', b"[]", b'{"regions": 3}', b"{}", b"\xff\xfe"])
def test_damaged_index(tmp_path: Path, listed: bytes) -> None:
    (tmp_path / INDEX).write_bytes(listed)
    with pytest.raises(SceneError, match="is cut off or lists no composites: run compositing again") as told:
        open_composites(tmp_path)
    assert str(tmp_path / INDEX) in str(told.value)


def test_interrupted_run(tmp_path: Path) -> None:
    items = archive(tmp_path / "archive")
    undisturbed = pixels(make(items, tmp_path / "undisturbed"))
    plans = plan_of(items, BANDS)
    with pytest.raises(KeyboardInterrupt):
        make_composites(plans, tmp_path / "composites", DaskSettings(workers=1), Blocks(stop_after=2))
    with pytest.raises(SceneError, match="holds no composites"):
        open_composites(tmp_path / "composites")
    blocks = Blocks()
    (composite,) = make_composites(plans, tmp_path / "composites", HERE, blocks)
    assert sum(blocks.totals) <= 4 - 2
    np.testing.assert_array_equal(pixels(composite), undisturbed)
    assert not (tmp_path / "composites" / "parts").exists()
