"""Reflectance of inland water from what is dissolved and suspended in it.

The spectral libraries that the land is taken from hold no water, so it is computed: the semi-analytical model of
Lee, Carder and Arnone (2002, *Applied Optics* 41, 5755) for optically deep water,

    u = b_b / (a + b_b),   r_rs = 0.089 u + 0.125 u²,   R_rs = 0.52 r_rs / (1 − 1.7 r_rs),   ρ = π R_rs,

with absorption by pure water (Pope and Fry 1997, *Applied Optics* 36, 8710, to 727 nm; Kou, Labrie and Chylek
1993, *Applied Optics* 32, 3531, beyond), by phytoplankton (Bricaud et al. 1995, *JGR* 100, 13321, rounded to the
band centres), by minerals and dissolved organic matter, and backscattering by particles (Babin et al. 2003,
*JGR* 108, 3211, and *Limnology and Oceanography* 48, 843: a*(443) = 0.041 m²/g, slope 0.0123 / nm; b*(555) =
0.51 m²/g at a backscattering ratio of 0.0183). Pure-water absorption in the short-wave infrared, in 1/m, is rounded:
all that matters there is that it swallows everything.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS

_WAVELENGTH = np.array([BANDS[name].wavelength for name in COMPETITION_BANDS])
_PURE_WATER = np.array([0.007, 0.015, 0.062, 0.43, 0.70, 2.7, 2.4, 3.4, 4.6, 26.0, 670.0, 1900.0])
_PHYTOPLANKTON = np.array([0.0403, 0.0274, 0.0096, 0.0152, 0.004, 0, 0, 0, 0, 0, 0, 0])
_PHYTOPLANKTON_EXPONENT = 0.75
#: Sky light mirrored by the surface and left over by the atmospheric correction (typical for inland water in Level-2A).
_SURFACE = 0.006


@dataclass(frozen=True)
class WaterBody:
    """What colours a water body.

    Attributes:
        sediment: Suspended matter in g/m³.
        chlorophyll: Chlorophyll a in mg/m³.
        organic: Absorption by dissolved organic matter at 443 nm in 1/m; "black" rivers have 5 and more.
        staining: Absorption by the sediment at 443 nm in m²/g: about 0.005 for milky rock flour and kaolin, 0.041
            for ordinary river sediment, 0.1 for iron-rich mud.
    """

    sediment: float
    chlorophyll: float = 1.0
    organic: float = 0.5
    staining: float = 0.041


def water_reflectance(water: WaterBody) -> NDArray[np.float64]:
    """Compute a water body's surface reflectance.

    Args:
        water: What colours it.

    Returns:
        Reflectance, 0 to 1, shape (12,), in the order of ``COMPETITION_BANDS``.
    """
    absorption = (
        _PURE_WATER
        + _PHYTOPLANKTON * water.chlorophyll**_PHYTOPLANKTON_EXPONENT
        + water.organic * np.exp(-0.014 * (_WAVELENGTH - 443))
        + water.sediment * water.staining * np.exp(-0.0123 * (_WAVELENGTH - 443))
    )
    particles = water.sediment + 0.05 * water.chlorophyll
    backscattering = 0.0183 * 0.51 * particles * np.sqrt(555 / _WAVELENGTH) + 0.0005
    share = backscattering / (absorption + backscattering)
    below = 0.089 * share + 0.125 * share**2
    reflectance: NDArray[np.float64] = np.pi * 0.52 * below / (1 - 1.7 * below) + _SURFACE
    return reflectance
