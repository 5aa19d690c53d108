"""A simulated scene classification: Sen2Cor's classes of a date, errors included.

Sen2Cor's classes were compared with what people see in, among others, the Cloud Mask Intercomparison eXercise (Skakun
et al. 2022, *Remote Sensing of Environment* 274, 112990): it misses thin edges and parts of shadows, takes bright
roofs, sand and mines for clouds and dark water for shadow. The rates here are round figures; :data:`ERRORS` has them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.sentinel2.scene_classification import SceneClass
from mining_the_mines.simulation.clouds import Clouds
from mining_the_mines.simulation.relief import fractal_fields

Field = NDArray[np.float32]


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
