"""Read a window of several scenes through odc-stac: every band on one grid of 10 m, in one encoding."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import odc.stac
import pystac
from odc.geo.geobox import GeoBox

from mining_the_mines.rasters.integrity import ImageDriver, open_image
from mining_the_mines.scenes.grids import NativeGrid, NativeWindow
from mining_the_mines.scenes.http import signing
from mining_the_mines.scenes.items import SCENE_CLASSIFICATION, find_asset, find_mask
from mining_the_mines.scenes.settings import AccessSettings
from mining_the_mines.sentinel2.baseline import Scaling, harmonise, read_scaling
from mining_the_mines.sentinel2.reflectance import NODATA
from mining_the_mines.sentinel2.resampling import interpolate

Numbers = npt.NDArray[np.uint16]

#: Name of the mask's asset in a layer.
MASK: Final = "mask"
#: Code of pixels that a user's own mask does not cover; like all codes but 0, it is not clear.
UNKNOWN: Final = 255
#: 128 MB of digital numbers.
_PIXELS_AT_ONCE: Final = 2**26


@dataclass(frozen=True)
class Resampling:
    """Resampling of a band to a grid.

    Attributes:
        method: ``bilinear`` or ``nearest``.
        dtype: Type of the pixels.
        nodata: Value of pixels without data.
    """

    method: str
    dtype: str
    nodata: int = NODATA


@dataclass(frozen=True)
class Layer:
    """Bands that are stored in pixels of one size.

    Attributes:
        names: Names of the bands, or of the mask.
        native: Stored pixels.
        items: The scenes with these assets only, keyed by band, since every archive has keys of its own.
        classified: Whether the layer is the scene classification.
    """

    names: tuple[str, ...]
    native: NativeGrid
    items: tuple[pystac.Item, ...]
    classified: bool = False


@dataclass(frozen=True)
class SceneStack:
    """Scenes of a region, whose windows can be read.

    Attributes:
        items: The scenes, in order of time.
        bands: Names of the bands, in the order wanted.
        layers: The bands by the size of their pixels.
        mask: The cloud mask, if there is one.
        access: Time limits, retries and signing.
    """

    items: tuple[pystac.Item, ...]
    bands: tuple[str, ...]
    layers: tuple[Layer, ...]
    mask: Layer | None
    access: AccessSettings

    @classmethod
    def of(
        cls,
        items: Sequence[pystac.Item],
        bands: tuple[str, ...],
        region: GeoBox,
        mask: str | None,
        access: AccessSettings,
    ) -> "SceneStack":
        """Find the assets that are wanted.

        Args:
            items: The scenes of an archive.
            bands: Names of the bands, in the order wanted.
            region: Grid of the region, 10 m.
            mask: Cloud mask: ``scl`` for the scene classification, whatever its key, or the key of another asset;
                ``None`` for none.
            access: Time limits, retries and signing.

        Raises:
            MissingAssetError: A scene lacks one.
        """
        keys = [{band: find_asset(item, band) for band in bands} for item in items]
        scenes = [_with_assets(item, named) for item, named in zip(items, keys, strict=True)]
        native = {band: NativeGrid.of(scenes, band, region) for band in bands}
        layers = [
            _layer(items, keys, tuple(band for band in bands if native[band] == grid), grid)
            for grid in dict.fromkeys(native.values())
        ]
        return cls(tuple(scenes), bands, tuple(layers), _mask_layer(items, mask, region), access)

    def without(self, names: set[str]) -> "SceneStack":
        """The stack without some scenes."""
        return self._of([place for place, item in enumerate(self.items) if item.id not in names])

    def alone(self) -> Iterator["SceneStack"]:
        """Each scene by itself."""
        return (self._of([place]) for place in range(len(self.items)))

    def _of(self, places: Sequence[int]) -> "SceneStack":
        def some(layer: Layer) -> Layer:
            return replace(layer, items=tuple(layer.items[place] for place in places))

        return replace(
            self,
            items=tuple(self.items[place] for place in places),
            layers=tuple(map(some, self.layers)),
            mask=None if self.mask is None else some(self.mask),
        )

    def conflicts(self) -> tuple[str, ...]:
        """Contradictions in the metadata of the scenes' offsets, judged by the first band."""
        scalings = [_scaling(item, self.bands[0]) for item in self.items]
        pairs = zip(self.items, scalings, strict=True)
        return tuple(f"{item.id}: {scaling.conflict}" for item, scaling in pairs if scaling.conflict)

    def read_bands(self, grid: GeoBox) -> Iterator[tuple[int, Numbers]]:
        """Read the bands one after the other, resampled bilinearly to the grid.

        Bands of 20 and 60 m are read in their own resolution and interpolated here. Scenes that do not nest in the
        grid, such as those of another UTM zone, are warped by GDAL.

        Args:
            grid: Grid of the window, 10 m.

        Yields:
            Index of a band in :attr:`bands`, and its harmonised numbers, uint16 (scenes, height, width), 0 for no data.
        """
        for layer in self.layers:
            window = layer.native.window(grid)
            for band, stored in self._stored(layer, window):
                numbers = np.empty((len(self.items), *grid.shape), np.uint16)
                for place, (item, image) in enumerate(zip(layer.items, stored, strict=True)):
                    harmonised = harmonise(image, _scaling(item, band))
                    fine = interpolate(harmonised, window.factor) if window.factor > 1 else harmonised
                    numbers[place] = window.cut(fine)
                yield self.bands.index(band), numbers

    def _stored(self, layer: Layer, window: NativeWindow) -> Iterator[tuple[str, Numbers]]:
        """Read bands in their own resolution: several at once, which is faster, as long as they are few pixels."""
        at_once = max(1, _PIXELS_AT_ONCE // (len(layer.items) * math.prod(window.grid.shape)))
        for start in range(0, len(layer.names), at_once):
            loaded = self._load(layer, layer.names[start : start + at_once], window, Resampling("bilinear", "uint16"))
            for band in list(loaded):
                yield band, loaded.pop(band)

    def read_mask(self, grid: GeoBox, margin: float) -> tuple[npt.NDArray[np.uint8], NativeWindow] | None:
        """Read the mask in its own resolution, by nearest neighbour.

        Args:
            grid: Grid of the window, 10 m.
            margin: Metres beyond the window, for clouds that grow over its border.

        Returns:
            Codes of the mask, uint8 (scenes, rows, columns), and their window; ``None`` without mask.
        """
        if self.mask is None:
            return None
        window = self.mask.native.window(grid, margin)
        nearest = Resampling("nearest", "uint8", self._unknown())
        return self._load(self.mask, (MASK,), window, nearest)[MASK], window

    def _unknown(self) -> int:
        """Code of pixels that the mask does not cover.

        It is 0 in the scene classification. In other masks 0 is clear, so it is another code, unless the files use 0
        for both.
        """
        if self.mask is None or self.mask.classified:
            return NODATA
        sign = signing(self.access) or str
        with open_image(sign(self.mask.items[0].assets[MASK].href)) as mask:
            return NODATA if mask.nodata == NODATA else UNKNOWN

    def _load(
        self, layer: Layer, bands: Sequence[str], window: NativeWindow, how: Resampling
    ) -> dict[str, npt.NDArray[Any]]:
        loaded = odc.stac.load(
            layer.items,
            bands=list(bands),
            geobox=window.grid,
            groupby="id",
            preserve_original_order=True,
            resampling=how.method,
            dtype=how.dtype,
            nodata=how.nodata,
            fail_on_error=True,
            patch_url=signing(self.access),
            driver=ImageDriver(),
        )
        return {band: loaded[band].values for band in bands}


def _layer(
    items: Sequence[pystac.Item], keys: Sequence[Mapping[str, str]], names: tuple[str, ...], native: NativeGrid
) -> Layer:
    chosen = [{name: named[name] for name in names} for named in keys]
    return Layer(names, native, tuple(_with_assets(item, named) for item, named in zip(items, chosen, strict=True)))


def _mask_layer(items: Sequence[pystac.Item], mask: str | None, region: GeoBox) -> Layer | None:
    if mask is None:
        return None
    scenes = tuple(_with_assets(item, {MASK: find_mask(item, mask)}) for item in items)
    classified = mask.upper() == SCENE_CLASSIFICATION
    return Layer((MASK,), NativeGrid.of(scenes, MASK, region), scenes, classified)


def _scaling(item: pystac.Item, band: str) -> Scaling:
    return read_scaling(item.properties, item.assets[band].to_dict())


def _with_assets(item: pystac.Item, keys: Mapping[str, str]) -> pystac.Item:
    """A copy of the scene with some of its assets, renamed."""
    plain = item.clone()
    plain.assets = {}
    # Addresses are absolute; pystac would resolve a local path against the item's address on the web.
    plain.clear_links()
    for name, key in keys.items():
        plain.add_asset(name, _without_bands(item.assets[key]))
    return plain


def _without_bands(asset: pystac.Asset) -> pystac.Asset:
    """A copy of the asset without the names of its bands, which odc-stac takes for aliases of other assets."""
    clean = asset.clone()
    for extension in ("eo:bands", "bands"):
        if len(clean.extra_fields.get(extension, [])) == 1:
            del clean.extra_fields[extension]
    return clean
