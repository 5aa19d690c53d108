"""Files on the web can't make this machine read its own files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from mining_the_mines.scenes.compositing import Block, composite_block
from support.http_servers import FaultyServer, files
from support.observed_requests import Observation, clear, flat, month, plan_of, write_scene


@pytest.fixture
def web(tmp_path: Path) -> Iterator[FaultyServer]:
    """A stranger's server."""
    (tmp_path / "web").mkdir()
    with FaultyServer(files(tmp_path / "web")).running() as server:
        yield server


def virtual(path: Path, of: Path) -> None:
    """Write a virtual raster that shows another file by its absolute path."""
    with rasterio.open(of) as image:
        transform = ", ".join(str(part) for part in image.transform.to_gdal())
        path.write_text(
            f'<VRTDataset rasterXSize="{image.width}" rasterYSize="{image.height}"><SRS>{image.crs.to_wkt()}</SRS>'
            f'<GeoTransform>{transform}</GeoTransform><VRTRasterBand dataType="UInt16" band="1">'
            "<NoDataValue>0</NoDataValue><SimpleSource>"
            f'<SourceFilename relativeToVRT="0">{of}</SourceFilename><SourceBand>1</SourceBand>'
            "</SimpleSource></VRTRasterBand></VRTDataset>"
        )


def composite(tmp_path: Path, web: FaultyServer, *, trap: bool) -> Block:
    """Of an honest scene and of one whose file is on the web."""
    honest = write_scene(tmp_path, "honest", Observation({"blue": flat(400)}, clear(), month(1), "03.01"))
    other = write_scene(tmp_path, "private", Observation({"blue": flat(4000)}, clear(), month(2), "03.01"))
    private = Path(other.assets["blue"].href)
    if trap:
        virtual(tmp_path / "web" / "blue.tif", private)
    else:
        (tmp_path / "web" / "blue.tif").write_bytes(private.read_bytes())
    other.assets["blue"].href = f"{web.address}/blue.tif"
    (plan,) = plan_of([honest, other], ("B2",), clear_sky={"dilation_metres": 0})
    return composite_block(plan.stack, plan.grid, plan.settings)


def test_remote_image(tmp_path: Path, web: FaultyServer) -> None:
    block = composite(tmp_path, web, trap=False)
    assert not block.faults
    assert (block.numbers == (1400 + 5000) // 2).all()


def test_remote_virtual_raster(tmp_path: Path, web: FaultyServer) -> None:
    block = composite(tmp_path, web, trap=True)
    assert [fault.item for fault in block.faults] == ["private"]
    assert np.unique(block.numbers).tolist() == [1400]
