"""Sentinel-2's MultiSpectral Instrument looking at a landscape.

Signal-to-noise ratios at reference radiances: ESA, *Sentinel-2 User Handbook* (2015), table of radiometric
resolution. Mean solar irradiances: the metadata of Sentinel-2A products. The modulation transfer function at the
Nyquist frequency is specified between 0.15 and 0.30 (0.45 at 60 m), and measured near 0.25 (Gascon et al. 2017,
*Remote Sensing* 9, 584).
"""

from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS
from mining_the_mines.simulation.canvas import CELL
from mining_the_mines.simulation.clouds import Clouds
from mining_the_mines.simulation.landscape import PIXEL, Landscape
from mining_the_mines.simulation.relief import Sun, fractal_fields, illumination
from mining_the_mines.simulation.spectra import SLOPE, Material

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Radiometry:
    """Radiometric noise of a band.

    Attributes:
        signal_to_noise: At the reference radiance.
        reference_radiance: W / (m² sr µm).
        irradiance: Mean solar, W / (m² µm).
    """

    signal_to_noise: float
    reference_radiance: float
    irradiance: float

    def noise(self, reflectance: Field, sun: Sun) -> Field:
        """Compute the standard deviation of the noise, half read-out and half photon noise at the reference.

        Args:
            reflectance: Reflectance of the pixels.
            sun: Position of the sun.

        Returns:
            Standard deviation of reflectance, in the pixels' shape.
        """
        height = np.sin(np.radians(sun.elevation))
        reference = np.pi * self.reference_radiance / (self.irradiance * height)
        scale = reference / self.signal_to_noise
        return np.asarray(scale * np.sqrt(0.5 + 0.5 * np.maximum(reflectance, 0) / reference), dtype=np.float32)


RADIOMETRY = MappingProxyType(
    {
        "B1": Radiometry(129, 129.0, 1884.7),
        "B2": Radiometry(154, 128.0, 1959.7),
        "B3": Radiometry(168, 128.0, 1823.2),
        "B4": Radiometry(142, 108.0, 1512.1),
        "B5": Radiometry(117, 74.5, 1424.6),
        "B6": Radiometry(89, 68.0, 1287.6),
        "B7": Radiometry(105, 67.0, 1162.1),
        "B8": Radiometry(174, 103.0, 1041.6),
        "B8A": Radiometry(72, 52.5, 955.3),
        "B9": Radiometry(114, 9.0, 812.9),
        "B11": Radiometry(100, 4.0, 245.6),
        "B12": Radiometry(100, 1.5, 85.3),
    }
)

#: Modulation transfer function at the Nyquist frequency, by resolution in metres.
TRANSFER_AT_NYQUIST = MappingProxyType({10: 0.25, 20: 0.25, 60: 0.35})


@dataclass(frozen=True)
class Sky:
    """Conditions of a date.

    Attributes:
        sun: Position of the sun.
        haze: Reflectance at 550 nm that is left over dark ground after atmospheric correction; negative where it took
            off too much.
        patchiness: Standard deviation of that within a region, on top of two fifths of the haze itself.
        dryness: 0 (rains) to 1 (end of the dry season): how far grass and crops have withered.
        gain: Factor on all bands from bidirectional effects and calibration.
    """

    sun: Sun = field(default_factory=Sun)
    haze: float = 0.005
    patchiness: float = 0.0
    dryness: float = 0.3
    gain: float = 1.0


def observe_native(
    landscape: Landscape, sky: Sky, rng: np.random.Generator, clouds: Clouds | None = None
) -> dict[str, Field]:
    """Observe a landscape with each band in its own resolution.

    Args:
        landscape: The ground.
        sky: The conditions.
        rng: Random number generator, for noise and haze.
        clouds: Between the ground and the sensor; ``None`` for a clear sky.

    Returns:
        Surface reflectance by band; a band of 20 m has half as many rows and columns as one of 10 m.
    """
    scene = _Scene(landscape, sky)
    veil, patches = fractal_fields(landscape.pixels, 3.0, rng)
    left_over = sky.haze * np.clip(1 + 0.4 * veil, 0, None) + sky.patchiness * patches
    bands = {}
    for name in COMPETITION_BANDS:
        ground = scene.ground(name)
        if clouds is not None:
            ground = clouds.shade(ground, BANDS[name])
        haze = (BANDS[name].wavelength / 550) ** -1.5 * left_over
        hazed = np.asarray(ground * (1 - 1.5 * haze) + haze, dtype=np.float32)
        if clouds is not None:
            hazed = clouds.cover(hazed, name)
        image = _sample(hazed, BANDS[name].resolution)
        noise = RADIOMETRY[name].noise(image, sky.sun) * rng.standard_normal(image.shape, dtype=np.float32)
        bands[name] = image + noise
    return bands


def observe_at_ten_metres(landscape: Landscape, sky: Sky, rng: np.random.Generator) -> Field:
    """Observe a landscape under a clear sky, with all bands resampled to 10 m bilinearly.

    Args:
        landscape: The ground.
        sky: The conditions.
        rng: Random number generator, for noise and haze.

    Returns:
        Surface reflectance, shape (12, H, W), in the order of ``COMPETITION_BANDS``.
    """
    bands = observe_native(landscape, sky, rng)
    return np.stack([_to_ten_metres(bands[name], BANDS[name].resolution) for name in COMPETITION_BANDS])


def observe_truth(landscape: Landscape, sky: Sky) -> Field:
    """Observe a landscape without haze and noise.

    Args:
        landscape: The ground.
        sky: Sun, season and gain; its haze is left out.

    Returns:
        Surface reflectance without haze and noise, in the resolution and with the blur of each band, resampled to 10 m
        bilinearly; shape (12, H, W), in the order of ``COMPETITION_BANDS``.
    """
    scene = _Scene(landscape, sky)
    resolutions = {name: BANDS[name].resolution for name in COMPETITION_BANDS}
    return np.stack(
        [
            _to_ten_metres(_sample(scene.ground(name), resolution), resolution)
            for name, resolution in resolutions.items()
        ]
    )


def seasonal_spectra(spectra: Field, dryness: float) -> Field:
    """Let grass, crops and leaves wither.

    Args:
        spectra: Spectra of a place, shape (…, materials, 12).
        dryness: 0 to 1.

    Returns:
        The spectra of that season.
    """
    seasonal = spectra.copy()
    withering = ((Material.GRASS, 0.7), (Material.CROP, 0.5), (Material.RIPE_CROP, 0.8), (Material.CANOPY, 0.12))
    for material, most in withering:
        share = np.float32(most * dryness)
        seasonal[..., material, :] *= 1 - share
        seasonal[..., material, :] += share * spectra[..., Material.DRY_GRASS, :]
    wet_soil = np.float32(0.8 + 0.25 * dryness)
    seasonal[..., [Material.TOPSOIL, Material.SUBSOIL, Material.TRACK, Material.SAND], :] *= wet_soil
    return seasonal


class _Scene:
    """A landscape on one date, with the parts that all bands share."""

    def __init__(self, landscape: Landscape, sky: Sky) -> None:
        self._spectra = seasonal_spectra(landscape.spectra, sky.dryness).reshape(-1, len(COMPETITION_BANDS))
        row = landscape.geology.astype(np.intp) * len(Material)
        self._first, self._second = row + landscape.first, row + landscape.second
        self._share = landscape.share
        self._tone = landscape.tone
        self._light = _light(landscape, sky)

    def ground(self, name: str) -> Field:
        """Mix and light the cells of one band, then average them to pixels of 10 m."""
        index = COMPETITION_BANDS.index(name)
        reflectance = np.ascontiguousarray(self._spectra[:, index])
        first, second = reflectance.take(self._first), reflectance.take(self._second)
        second -= first
        second *= self._share
        second += first
        second *= self._light
        second *= self._tone * np.float32(SLOPE[index]) + 1
        return _average(second, 2)


def _light(landscape: Landscape, sky: Sky) -> Field:
    """Light the ground; water is flat, independent of the relief below it."""
    wet = (landscape.first >= Material.RIVER) | ((landscape.second >= Material.RIVER) & (landscape.share > 0.5))
    slopes = illumination(landscape.elevation, CELL, sky.sun)
    return np.where(wet, np.float32(1), slopes) * landscape.texture * np.float32(sky.gain)


def _sample(image: Field, resolution: int) -> Field:
    """Blur an image of 10 m pixels as optics and detector do, and sample it.

    A Gaussian whose transfer at Nyquist is m has a standard deviation of √(−2 ln m) / π pixels; the averaging over
    the pixel's own area, which :func:`_average` does, is taken off in quadrature.
    """
    sigma = np.sqrt(-2 * np.log(TRANSFER_AT_NYQUIST[resolution])) / np.pi
    beyond_averaging = np.sqrt(sigma**2 - 1 / 12)
    factor = int(resolution / PIXEL)
    return _average(gaussian_filter(image, beyond_averaging * factor, mode="nearest", truncate=3), factor)


def _average(image: Field, factor: int) -> Field:
    if factor == 1:
        return image
    rows = image[::factor].copy()
    for offset in range(1, factor):
        rows += image[offset::factor]
    total = rows[:, ::factor].copy()
    for offset in range(1, factor):
        total += rows[:, offset::factor]
    return np.asarray(total / np.float32(factor**2), dtype=np.float32)


def _to_ten_metres(image: Field, resolution: int) -> Field:
    factor = int(resolution / PIXEL)
    if factor == 1:
        return image
    return np.asarray(zoom(image, factor, order=1, mode="nearest", grid_mode=True), dtype=np.float32)
