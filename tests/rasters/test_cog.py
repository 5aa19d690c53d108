"""Cloud-Optimized GeoTIFFs: valid, and whole or refused."""

import hashlib
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from mining_the_mines.rasters.cog import CogLayout, write_cog

TRANSFORM = Affine(10, 0, 600_000, 0, -10, 9_300_000)


#: Where coverage finds its settings, and what a process of its own needs to find these tests.
PROJECT = Path(__file__).parents[2]
APART = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def layout(height: int = 300, width: int = 700, dtype: str = "float32") -> CogLayout:
    return CogLayout("EPSG:32721", TRANSFORM, height, width, ("something",), dtype, nodata=float("nan"))


def noise(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).random((1, *shape), dtype=np.float32)


def write_noise(path: Path, size: CogLayout) -> bytes:
    """Write a raster that doesn't compress, in two blocks of which the lower comes first."""
    pixels, half = noise((size.height, size.width)), size.height // 2
    whole = slice(0, size.width)
    blocks = [
        (slice(half, size.height), whole, pixels[:, half:]),
        (slice(0, half), whole, pixels[:, :half]),
    ]
    write_cog(path, size, blocks, {"MADE": "here"})
    return path.read_bytes()


@pytest.mark.parametrize("compression", ["deflate", "zstd"])
def test_blocks_in_any_order(tmp_path: Path, compression: Literal["deflate", "zstd"]) -> None:
    write_noise(tmp_path / "a.tif", replace(layout(), compression=compression))
    with rasterio.open(tmp_path / "a.tif") as image:
        np.testing.assert_array_equal(image.read(), noise((300, 700)))
        assert image.tags()["MADE"] == "here"
        assert image.descriptions == ("something",)
        assert image.overviews(1) == [2, 4]
        assert image.compression.name == compression
    assert cog_validate(tmp_path / "a.tif", strict=True, quiet=True)[0]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_half_precision(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.tif", layout(dtype="float16"))
    with rasterio.open(tmp_path / "a.tif") as image:
        assert image.tags(1, ns="IMAGE_STRUCTURE")["NBITS"] == "16"
        np.testing.assert_allclose(image.read(), noise((300, 700)), rtol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (600, 2)])
def test_any_size(tmp_path: Path, shape: tuple[int, int]) -> None:
    write_noise(tmp_path / "a.tif", layout(*shape))
    assert cog_validate(tmp_path / "a.tif", strict=True, quiet=True)[0]


def write_on_full_disks(folder: Path) -> None:
    """Write under limits of many sizes, as if the disk were full from there on; runs in a process of its own."""
    whole = write_noise(folder / "whole.tif", layout())
    for limit in range(1_000, 2_800_000, 350_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            sys.stdout.write("whole " if write_noise(folder / "cut.tif", layout()) == whole else "damaged ")
        except OSError:
            sys.stdout.write("refused ")


def test_file_size_limit(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from rasters.test_cog import write_on_full_disks as work; "
    done = subprocess.run(
        [sys.executable, "-c", script + "work(Path(sys.argv[1]))", str(tmp_path)],
        env=APART,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == {"whole", "refused"}


def write_on_this_disk(folder: Path) -> None:
    """Write on a small file system; runs in a process of its own."""
    try:
        sys.stdout.write(hashlib.sha256(write_noise(folder / "a.tif", layout())).hexdigest())
    except OSError:
        sys.stdout.write("refused" if not list(folder.glob("*.plain")) else "left behind")


MAY_MOUNT = subprocess.run(
    ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
).returncode == 0  # fmt: skip


@pytest.mark.skipif(not MAY_MOUNT, reason="file systems may not be mounted in a namespace of one's own here")
@pytest.mark.parametrize("kilobytes", [1_000, 2_420, 4_000])
def test_full_disk(tmp_path: Path, kilobytes: int) -> None:
    whole = hashlib.sha256(write_noise(tmp_path / "whole.tif", layout())).hexdigest()
    disk = tmp_path / "disk"
    disk.mkdir()
    script = "import sys; from pathlib import Path; from rasters.test_cog import write_on_this_disk as work; "
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", f'mount -t tmpfs -o size={kilobytes}k none "$1" && exec "$0" -c "$2" "$1"',
         sys.executable, str(disk), script + "work(Path(sys.argv[1]))"],
        env=APART, cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == (whole if kilobytes > 3_500 else "refused")
