"""Clouds between ground and sensor, the shadows that they cast, and how a scene classification sees both.

Reflectance of clouds by band: round figures for thick clouds over dark ground. They are bright and flat in the visible
and near infrared; droplets absorb in the short-wave infrared, ice more so (Nakajima and King 1990, *Journal of the
Atmospheric Sciences* 47, 1878); B9 lies in an absorption band of water vapour, most of which is above low clouds
and below cirrus (Gao, Goetz and Wiscombe 1993, *Geophysical Research Letters* 20, 301).

The simulated scene classification has Sen2Cor's classes and errors. They follow comparisons with people's labels, among
others the Cloud Mask Intercomparison eXercise (Skakun et al. 2022, *Remote Sensing of Environment* 274, 112990): it
misses thin edges and parts of shadows, takes bright roofs, sand and mines for clouds and dark water for shadow. The
rates here are round figures; :data:`ERRORS` has them.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS, Band
from mining_the_mines.sentinel2.scene_classification import SceneClass
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
        """Draw the clouds over the ground.

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
    lit = _moved(thickness, 60, sun) - thickness  # light that the cloud's own thickness keeps from the far side
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


@dataclass(frozen=True)
class Errors:
    """Error rates of the classification.

    Attributes:
        seen_from: Opacity at which half of the clouds are detected; thinner ones are missed.
        wavering: Standard deviation of that opacity from spot to spot.
        missed_shadow: Share of the area of shadows that is missed, in patches.
        bright_ground: Mean visible reflectance of bare ground from which it may be taken for cloud.
        false_cloud: Share of the area of such ground that is, in patches.
        dark_water: Near-infrared reflectance of water up to which it may be taken for shadow.
        false_shadow: Share of the area of such water that is, in patches.
    """

    seen_from: float = 0.22
    wavering: float = 0.06
    missed_shadow: float = 0.15
    bright_ground: float = 0.24
    false_cloud: float = 0.15
    dark_water: float = 0.04
    false_shadow: float = 0.15


ERRORS: Final = Errors()
#: Opacity from which a cloud counts as highly probable.
_OPAQUE: Final = 0.6
#: Opacity of cirrus from which it is seen in the cirrus band.
_VISIBLE_CIRRUS: Final = 0.05
#: Light kept from the ground from which it is a shadow.
_DARK_SHADOW: Final = 0.3
#: Normalised difference vegetation index from which ground counts as vegetated, about as in Sen2Cor.
_GREEN: Final = 0.4


def classify(bands: dict[str, Field], clouds: Clouds, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Classify a date as Sen2Cor does.

    Args:
        bands: Observed reflectance by band, native resolution; of 10 m: B2, B3, B4, B8; of 20 m: B11.
        clouds: The true clouds.
        rng: Random number generator, for the errors.

    Returns:
        Codes of :class:`~mining_the_mines.sentinel2.scene_classification.SceneClass` in pixels of 20 m, shape (H / 2,
        W / 2).
    """
    classes = _classify_ground(bands)
    opacity, cirrus, shadow = (_halved(field) for field in (clouds.opacity, clouds.cirrus, clouds.shadow))
    whims = _Whims(opacity.shape[0], rng)
    classes[_confused(bands, classes, whims)] = SceneClass.CLOUD_MEDIUM_PROBABILITY
    dark_water = (classes == SceneClass.WATER) & (_halved(bands["B8"]) < ERRORS.dark_water)
    classes[dark_water & whims.strike(ERRORS.false_shadow)] = SceneClass.CLOUD_SHADOW
    classes[(shadow > _DARK_SHADOW) & ~whims.strike(ERRORS.missed_shadow)] = SceneClass.CLOUD_SHADOW
    threshold = ERRORS.seen_from + ERRORS.wavering * whims.draw()
    classes[cirrus > _VISIBLE_CIRRUS] = SceneClass.THIN_CIRRUS
    classes[(opacity > 0.6 * threshold) & (opacity <= threshold)] = SceneClass.UNCLASSIFIED
    classes[opacity > threshold] = SceneClass.CLOUD_MEDIUM_PROBABILITY
    classes[opacity > np.maximum(threshold, _OPAQUE)] = SceneClass.CLOUD_HIGH_PROBABILITY
    return classes


class _Whims:
    """Random places of errors: patches of some 100 m, not single pixels."""

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        self._side, self._rng = side, rng

    def draw(self) -> Field:
        field, _ = fractal_fields(self._side, 1.8, self._rng)
        return field

    def strike(self, share: float) -> NDArray[np.bool_]:
        field = self.draw()
        struck: NDArray[np.bool_] = field > np.quantile(field, 1 - share)
        return struck


def _classify_ground(bands: dict[str, Field]) -> NDArray[np.uint8]:
    """Classify plants, water and bare ground by thresholds on the observed bands, thin clouds and shadows included."""
    green, red, infrared = (_halved(bands[name]) for name in ("B3", "B4", "B8"))
    short_wave = bands["B11"]
    vegetation_index = (infrared - red) / np.maximum(infrared + red, np.float32(1e-3))
    classes = np.full(infrared.shape, SceneClass.NOT_VEGETATED, np.uint8)
    classes[vegetation_index > _GREEN] = SceneClass.VEGETATION
    dark = (infrared < 0.1) & (short_wave < 0.08)
    classes[dark] = SceneClass.DARK_AREA
    classes[(green > short_wave) & (infrared < 0.18) & (vegetation_index < 0.2)] = SceneClass.WATER
    return classes


def _confused(bands: dict[str, Field], classes: NDArray[np.uint8], whims: _Whims) -> NDArray[np.bool_]:
    """Find bright bare ground that is mistaken for cloud."""
    visible = np.mean([_halved(bands[name]) for name in ("B2", "B3", "B4")], axis=0)
    bright: NDArray[np.bool_] = (visible > ERRORS.bright_ground) & (classes == SceneClass.NOT_VEGETATED)
    return bright & whims.strike(ERRORS.false_cloud)


def _halved(field: Field) -> Field:
    """Average pixels of 10 m to 20 m."""
    rows, columns = field.shape
    return np.asarray(field.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)), dtype=np.float32)
