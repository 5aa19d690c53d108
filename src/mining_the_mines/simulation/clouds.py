"""Clouds between ground and sensor, and the shadows that they cast.

Reflectance of clouds by band: round figures for thick clouds over dark ground. They are bright and flat in the visible
and near infrared; droplets absorb in the short-wave infrared, ice more so (Nakajima and King 1990, *Journal of the
Atmospheric Sciences* 47, 1878); B9 lies in an absorption band of water vapour, most of which is above low clouds
and below cirrus (Gao, Goetz and Wiscombe 1993, *Geophysical Research Letters* 20, 301).
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS, Band
from mining_the_mines.simulation.landscape import PIXEL
from mining_the_mines.simulation.relief import Sun, fractal_fields

Field = NDArray[np.float32]


class CloudKind(StrEnum):
    """Kind of the opaque clouds of a date."""

    CUMULUS = "cumulus"
    DECK = "deck"


@dataclass(frozen=True)
class Shape:
    """Shape of a kind of clouds.

    Attributes:
        steepness: Exponent of the power spectrum: high for wide decks, low for scattered heaps.
        sharpness: Growth of the thickness from the edge inwards.
        height: Lowest and highest base above the ground in metres.
    """

    steepness: float
    sharpness: float
    height: tuple[float, float]


SHAPES = MappingProxyType(
    {
        CloudKind.CUMULUS: Shape(2.3, 4.0, (700.0, 1800.0)),
        CloudKind.DECK: Shape(3.2, 3.5, (1500.0, 4000.0)),
    }
)
_WATER = (0.70, 0.70, 0.68, 0.69, 0.71, 0.72, 0.73, 0.73, 0.74, 0.45, 0.50, 0.36)
_ICE = (0.62, 0.60, 0.59, 0.59, 0.60, 0.61, 0.61, 0.61, 0.61, 0.55, 0.28, 0.20)
#: Reflectance of a thick cloud of droplets, and of one of ice, by band.
WATER_CLOUD = MappingProxyType(dict(zip(COMPETITION_BANDS, _WATER, strict=True)))
ICE_CLOUD = MappingProxyType(dict(zip(COMPETITION_BANDS, _ICE, strict=True)))
#: Widest band of thin edges, in standard deviations of the field that the clouds are cut from.
_THINNEST = 0.02


@dataclass(frozen=True)
class Weather:
    """The clouds of one date.

    Attributes:
        cover: Share of the region that lies under opaque clouds, 0 to 1.
        kind: Of those.
        cirrus: Share of the region that lies under cirrus, 0 to 1.
    """

    cover: float
    kind: CloudKind = CloudKind.CUMULUS
    cirrus: float = 0.0


@dataclass(frozen=True)
class Clouds:
    """The clouds over a region, in pixels of 10 m, arrays of shape (H, W).

    Attributes:
        opacity: Of low and medium clouds, 0 to 1.
        brightness: Factor on their reflectance.
        cirrus: Opacity of ice clouds, seldom above 0.3.
        shadow: Share of the direct sunlight that is kept from the ground, 0 to 1.
    """

    opacity: Field
    brightness: Field
    cirrus: Field
    shadow: Field

    def shade(self, ground: Field, band: Band) -> Field:
        """Let shadows fall on the ground; the sky lights it still, most at short wavelengths.

        Args:
            ground: Reflectance in one band.
            band: The band.

        Returns:
            Apparent reflectance after an atmospheric correction that knows of no shadow.
        """
        return np.asarray(ground * (1 - self.shadow * np.float32(1 - diffuse_share(band))), dtype=np.float32)

    def cover(self, ground: Field, name: str) -> Field:
        """Draw the clouds over what lies below.

        Args:
            ground: Reflectance in one band, shadows included.
            name: Name of the band.

        Returns:
            Reflectance as seen from above.
        """
        low = ground + self.opacity * (np.float32(WATER_CLOUD[name]) * self.brightness - ground)
        return np.asarray(low + self.cirrus * (np.float32(ICE_CLOUD[name]) - low), dtype=np.float32)


def diffuse_share(band: Band) -> float:
    """Share of the light in a cloud's shadow: scattered by the air and by the clouds around.

    Falls with wavelength as scattering by a mixture of molecules and aerosol does, from about a half in the blue.

    Args:
        band: Of Sentinel-2.

    Returns:
        0 to 1.
    """
    return float(0.14 + 0.32 * (band.wavelength / 443) ** -1.5)


def grow_clouds(pixels: int, weather: Weather, sun: Sun, rng: np.random.Generator) -> Clouds:
    """Grow the clouds of a date.

    Args:
        pixels: Edge of the region in pixels of 10 m.
        weather: Cover and kind of the clouds.
        sun: Position of the sun.
        rng: Random number generator.

    Returns:
        The clouds. They go on periodically beyond the region, so shadows of clouds outside fall into it.
    """
    shape = SHAPES[weather.kind]
    field, texture = fractal_fields(pixels, shape.steepness, rng)
    smooth = gaussian_filter(field, 1.2, mode="wrap")
    thickness = _above(smooth, weather.cover) * np.float32(shape.sharpness)
    opacity = 1 - np.exp(-thickness)
    height = rng.uniform(*shape.height)
    brightness = 0.75 + 0.35 * (1 - np.exp(-thickness / 3)) + 0.04 * texture
    lit = _moved(thickness, 60, sun) - thickness  # what the cloud's own thickness keeps from the far side
    return Clouds(
        opacity=np.asarray(opacity, dtype=np.float32),
        brightness=np.asarray(brightness - np.clip(0.12 * lit, -0.1, 0.25), dtype=np.float32),
        cirrus=_spread_cirrus(pixels, weather.cirrus, rng),
        shadow=np.asarray(gaussian_filter(_moved(opacity, height, sun), 1.5, mode="wrap"), dtype=np.float32),
    )


def _above(field: Field, cover: float) -> Field:
    """Excess of a field over the quantile that leaves the share ``cover`` above it, in standard deviations."""
    if cover <= 0:
        return np.zeros_like(field)
    level = np.quantile(field, 1 - min(cover, 1.0))
    return np.asarray(np.maximum((field - level) / max(float(field.std()), _THINNEST), 0), dtype=np.float32)


def _moved(field: Field, height: float, sun: Sun) -> Field:
    """Project a field at a height in metres along the sunbeams onto the ground."""
    reach = height / np.tan(np.radians(sun.elevation)) / PIXEL
    azimuth = np.radians(sun.azimuth)
    return np.asarray(
        shift(field, (reach * np.cos(azimuth), -reach * np.sin(azimuth)), order=1, mode="grid-wrap"), dtype=np.float32
    )


def _spread_cirrus(pixels: int, cover: float, rng: np.random.Generator) -> Field:
    """Draw thin, streaky cirrus. Its faint shadow falls some 10 km away and is left out."""
    field, _ = fractal_fields(pixels, 3.0, rng)
    streaks = gaussian_filter(field, (1.0, 12.0) if rng.random() < 0.5 else (12.0, 1.0), mode="wrap")
    thickness = _above(streaks, cover)
    return np.asarray(0.35 * (1 - np.exp(-0.5 * thickness)), dtype=np.float32)
