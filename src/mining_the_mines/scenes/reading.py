"""Reading a window of several scenes, through odc-stac: every band on one grid of 10 m, in one encoding."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import odc.stac
import pystac
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.errors import RasterioError

from mining_the_mines.scenes.assets import SCENE_CLASSIFICATION, MissingAssetError, find_asset
from mining_the_mines.scenes.faults import Fault
from mining_the_mines.scenes.http import AccessSettings, gdal_options
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.region_grid import middle_longitude
from mining_the_mines.scenes.sources import signing
from mining_the_mines.sentinel2.baseline import harmonise, read_scaling

#: The name that the mask's asset goes by once it is read.
MASK: Final = "mask"
_READING_FAULTS: Final = (RasterioError, CPLE_BaseError, OSError)


@dataclass(frozen=True)
class SceneWindow:
    """The same window of several scenes.

    Attributes:
        numbers: uint16 (scenes, bands, height, width): digital numbers as in
            :mod:`mining_the_mines.sentinel2.reflectance`; 0 without data.
        mask: uint8 (scenes, height + 2 margin, width + 2 margin): the mask's codes; ``None`` if there is none.
        days: Of each scene, by local solar time.
        faults: Scenes that could not be read; they are not among the others.
    """

    numbers: npt.NDArray[np.uint16]
    mask: npt.NDArray[np.uint8] | None
    days: tuple[date, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class WindowReader:
    """How windows are read.

    Attributes:
        bands: Names of the bands, in the order wanted.
        mask: Asset that tells clouds, such as ``scl``; ``None`` for none.
        margin: Pixels that the mask is read beyond the window, for what is grown over its border.
        access: How assets are reached.
    """

    bands: tuple[str, ...]
    mask: str | None
    margin: int
    access: AccessSettings

    def read(self, items: Sequence[pystac.Item], grid: GeoBox) -> SceneWindow:
        """Read a window; 20 and 60 m bands are resampled bilinearly, the mask by nearest neighbour.

        Args:
            items: Scenes.
            grid: The window's.

        Returns:
            The window of all scenes that could be read.
        """
        with rasterio.Env(**gdal_options(self.access)):
            try:
                return self._read(items, grid, ())
            except _READING_FAULTS:
                return self._read_what_can_be(items, grid)

    def _read_what_can_be(self, items: Sequence[pystac.Item], grid: GeoBox) -> SceneWindow:
        """Find out which scenes fail, reading them one by one."""
        sound, faults = [], []
        for item in items:
            try:
                self._read([item], grid, ())
            except _READING_FAULTS as error:
                faults.append(Fault(item.id, f"{type(error).__name__}: {error.__cause__ or error}"))
            else:
                sound.append(item)
        return self._read(sound, grid, tuple(faults))

    def _read(self, items: Sequence[pystac.Item], grid: GeoBox, faults: tuple[Fault, ...]) -> SceneWindow:
        shape = (len(items), len(self.bands), *grid.shape)
        numbers = np.zeros(shape, dtype=np.uint16)
        mask = None
        if items:
            scenes = [self._plain(item) for item in items]
            loaded = self._load(scenes, grid, self.bands, "bilinear", "uint16")
            for column, band in enumerate(self.bands):
                for row, (item, image) in enumerate(zip(items, loaded[band].values, strict=True)):
                    asset = item.assets[find_asset(item, band)]
                    numbers[row, column] = harmonise(image, read_scaling(item.properties, asset.to_dict()))
            if self.mask is not None:
                wide = grid.pad(self.margin) if self.margin else grid
                mask = self._load(scenes, wide, (MASK,), "nearest", "uint8")[MASK].values
        longitude = middle_longitude(grid)
        days = tuple(SceneFacts.of(item.to_dict(include_self_link=False)).day(longitude) for item in items)
        return SceneWindow(numbers, mask, days, faults)

    def _load(
        self, items: Sequence[pystac.Item], grid: GeoBox, bands: Sequence[str], resampling: str, dtype: str
    ) -> xr.Dataset:
        return odc.stac.load(
            items,
            bands=list(bands),
            geobox=grid,
            groupby="id",
            preserve_original_order=True,
            resampling=resampling,
            dtype=dtype,
            nodata=0,
            fail_on_error=True,
            patch_url=signing(self.access),
        )

    def _plain(self, item: pystac.Item) -> pystac.Item:
        """The scene with its assets by band name: every archive has other keys."""
        plain = item.clone()
        keys = {band: find_asset(item, band) for band in self.bands}
        if self.mask is not None:
            keys[MASK] = find_mask(item, self.mask)
        plain.assets = {}
        for name, key in keys.items():
            plain.add_asset(name, _without_bands(item.assets[key]))
        return plain


def _without_bands(asset: pystac.Asset) -> pystac.Asset:
    """The asset without the names of its bands, which odc-stac would take for aliases of other assets."""
    clean = asset.clone()
    for extension in ("eo:bands", "bands"):
        if len(clean.extra_fields.get(extension, [])) == 1:
            del clean.extra_fields[extension]
    return clean


def find_mask(item: pystac.Item, mask: str) -> str:
    """Find the asset that tells clouds.

    Args:
        item: The scene.
        mask: ``scl`` for the scene classification, whatever its key; else the key of an asset.

    Returns:
        The asset's key.

    Raises:
        MissingAssetError: If the scene has none.
    """
    if mask.upper() == SCENE_CLASSIFICATION:
        return find_asset(item, SCENE_CLASSIFICATION)
    if mask not in item.assets:
        raise MissingAssetError(
            f"The scene {item.id} has no asset {mask}; it has {', '.join(item.assets)}: correct compositing.mask_asset."
        )
    return mask
