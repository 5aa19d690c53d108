"""Reading a window of several scenes, through odc-stac: every band on one grid of 10 m, in one encoding."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import odc.stac
import pystac
from odc.geo.geobox import GeoBox

from mining_the_mines.scenes.assets import SCENE_CLASSIFICATION, MissingAssetError, find_asset
from mining_the_mines.scenes.http import AccessSettings
from mining_the_mines.scenes.native_grid import NativeWindow, native_step
from mining_the_mines.scenes.sources import signing
from mining_the_mines.sentinel2.baseline import harmonise, read_scaling
from mining_the_mines.sentinel2.resampling import interpolate

Numbers = npt.NDArray[np.uint16]

#: The name that the mask's asset goes by once it is read.
MASK: Final = "mask"


@dataclass(frozen=True)
class SceneStack:
    """Scenes of a region, whose windows can be read.

    Attributes:
        items: The scenes, their assets by the names of bands: every archive has other keys.
        bands: Names of the bands, in the order wanted.
        access: How assets are reached.
    """

    items: tuple[pystac.Item, ...]
    bands: tuple[str, ...]
    access: AccessSettings

    @classmethod
    def of(
        cls, items: Sequence[pystac.Item], bands: tuple[str, ...], mask: str | None, access: AccessSettings
    ) -> "SceneStack":
        """Find the assets that are wanted.

        Args:
            items: The scenes as their archive describes them.
            bands: Names of the bands, in the order wanted.
            mask: Asset that tells clouds: ``scl`` for the scene classification, whatever its key, or the key of
                another; ``None`` for none.
            access: How assets are reached.

        Raises:
            MissingAssetError: If a scene lacks one.
        """
        return cls(tuple(_by_band(item, bands, mask) for item in items), bands, access)

    def without(self, items: set[str]) -> "SceneStack":
        """The same without some scenes."""
        return replace(self, items=tuple(item for item in self.items if item.id not in items))

    def alone(self) -> Iterator["SceneStack"]:
        """Each scene by itself."""
        return (replace(self, items=(item,)) for item in self.items)

    def conflicts(self) -> tuple[str, ...]:
        """What scenes' metadata say of their offset where they contradict each other; the first band speaks for all."""
        scalings = (
            (item.id, read_scaling(item.properties, item.assets[self.bands[0]].to_dict())) for item in self.items
        )
        return tuple(f"{name}: {scaling.conflict}" for name, scaling in scalings if scaling.conflict)

    def read_bands(self, grid: GeoBox) -> Iterator[tuple[int, Numbers]]:
        """Read the bands one after the other, resampled bilinearly to the grid.

        Bands of 20 and 60 m are read as they are and interpolated here; what does not nest in the grid, such as
        a scene of another UTM zone, is warped by GDAL.

        Args:
            grid: The window's, 10 m.

        Yields:
            A band's place in :attr:`bands`, and its harmonised numbers, uint16 (scenes, height, width), 0 without data.
        """
        for step, bands in self._by_step(grid).items():
            window = NativeWindow.over(grid, step, self.items)
            coarse = self._load(window.grid, bands, "bilinear", "uint16")
            for band in bands:
                numbers = np.empty((len(self.items), *grid.shape), np.uint16)
                for place, (item, image) in enumerate(zip(self.items, coarse.pop(band), strict=True)):
                    scaling = read_scaling(item.properties, item.assets[band].to_dict())
                    numbers[place] = window.cut(interpolate(harmonise(image, scaling), window.factor))
                yield self.bands.index(band), numbers

    def read_mask(self, grid: GeoBox, margin: float) -> tuple[npt.NDArray[np.uint8], NativeWindow]:
        """Read the mask in its own resolution, by nearest neighbour.

        Args:
            grid: The window's, 10 m.
            margin: Metres that are wanted beyond it, for what is grown over its border.

        Returns:
            The mask's codes, uint8 (scenes, rows, columns), and the window that they are of.
        """
        step = native_step(self.items, MASK, grid)
        window = NativeWindow.over(grid, step, self.items, margin)
        return self._load(window.grid, (MASK,), "nearest", "uint8")[MASK], window

    def _by_step(self, grid: GeoBox) -> dict[int, list[str]]:
        steps: dict[int, list[str]] = defaultdict(list)
        for band in self.bands:
            steps[native_step(self.items, band, grid)].append(band)
        return steps

    def _load(self, grid: GeoBox, bands: Sequence[str], resampling: str, dtype: str) -> dict[str, npt.NDArray[Any]]:
        loaded = odc.stac.load(
            self.items,
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
        return {band: loaded[band].values for band in bands}


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


def _by_band(item: pystac.Item, bands: Sequence[str], mask: str | None) -> pystac.Item:
    keys = {band: find_asset(item, band) for band in bands}
    if mask is not None:
        keys[MASK] = find_mask(item, mask)
    plain = item.clone()
    plain.assets = {}
    # Addresses are absolute: beside the item's own address on the web, a local path would be taken for one there.
    plain.clear_links()
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
