"""Fractal relief and how the sun lights it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft


def fractal_fields(
    side: int, steepness: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Synthesise two independent fractal surfaces from their power spectrum.

    Spectral synthesis (Saupe, in Peitgen and Saupe 1988, *The Science of Fractal Images*): white noise shaped in the
    frequency domain so that power falls as frequency^−steepness. Real and imaginary part give two surfaces at the
    price of one.

    Args:
        side: Cells along an edge; the surfaces are periodic.
        steepness: Exponent of the power spectrum; about 3 to 4 for terrain, 2 and less for rough texture.
        rng: Random number generator.

    Returns:
        Two surfaces of shape (side, side) with mean 0 and standard deviation 1.
    """
    frequency = np.hypot(fft.fftfreq(side)[:, None], fft.fftfreq(side)[None, :]).astype(np.float32)
    frequency[0, 0] = 1
    amplitude = frequency ** np.float32(-steepness / 2)
    amplitude[0, 0] = 0
    noise = rng.standard_normal((2, side, side), dtype=np.float32)
    spectrum = amplitude * (noise[0] + 1j * noise[1])
    surface = fft.fft2(spectrum)
    return _standardised(surface.real), _standardised(surface.imag)


def _standardised(field: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


@dataclass(frozen=True)
class Sun:
    """Where the sun stands.

    Attributes:
        elevation: Degrees above the horizon.
        azimuth: Degrees from north, clockwise. Sentinel-2 passes at about 10:30 local time, so mostly in the east.
    """

    elevation: float = 55.0
    azimuth: float = 70.0


#: Share of the light that comes from the whole sky and reaches slopes that face away from the sun.
DIFFUSE_SHARE = 0.2


def illumination(elevation: NDArray[np.float32], cell: float, sun: Sun) -> NDArray[np.float32]:
    """Compute how brightly slopes are lit, compared with flat ground.

    The cosine law for the direct beam (Teillet, Guindon and Goodenough 1982, *Canadian Journal of Remote Sensing* 8,
    84) plus isotropic sky light. Shadows cast on other slopes are left out.

    Args:
        elevation: Metres, shape (H, W), north up.
        cell: Width of a cell in metres.
        sun: Where the sun stands.

    Returns:
        Factor on reflectance, 1 on flat ground, shape (H, W).
    """
    to_south, to_east = np.gradient(elevation, np.float32(cell))
    height, direction = np.radians(sun.elevation), np.radians(sun.azimuth)
    towards_sun = np.float32(np.sin(direction)) * to_east - np.float32(np.cos(direction)) * to_south
    cosine = (np.sin(height) - np.cos(height) * towards_sun) / np.sqrt(1 + to_east**2 + to_south**2)
    direct = np.maximum(cosine, 0) / np.sin(height)
    return np.asarray(DIFFUSE_SHARE + (1 - DIFFUSE_SHARE) * direct, dtype=np.float32)
