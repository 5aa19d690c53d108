"""Reflectance spectra of materials, in Sentinel-2's bands.

``spectra.csv`` holds 32 single, named spectra (no averages, nothing invented) of published spectral libraries, as
collected at 10 nm by C. B. Anderson in *The Earth Library* (``earthlib`` 1.1.0, MIT licence). Each was convolved with
a Gaussian of the band's centre and width, which approximates ESA's measured response functions. Column ``source``:

- ``icraf``: soils. World Agroforestry Centre and ISRIC, *A globally distributed soil spectral library: visible near
  infrared diffuse reflectance spectra* (Garrity and Bindraban 2004); sample numbers are kept in column ``spectrum``.
- ``ucsb``: gravel, sand, tracks, roads, roofs. Herold, Roberts, Gardner and Dennison 2004, *Remote Sensing of
  Environment* 91, 304 (Santa Barbara urban spectral library).
- ``prosail``: canopies. PROSAIL (Jacquemoud et al. 2009, *Remote Sensing of Environment* 113, S56) with the
  parameters in the spectrum's name.
- ``jfsp``: dead grass and char. Joint Fire Science Program spectral library.
- ``hyspiri``: dry grass. HyspIRI preparatory airborne campaign, San Joaquin Experimental Range.

Soils were measured dry, ground and sieved in a laboratory; in the field, roughness and moisture darken them:
:data:`FIELD_SOIL` brings them down.

The libraries hold no water, so its reflectance is computed from dissolved and suspended matter: the semi-analytical
model of Lee, Carder and Arnone (2002, *Applied Optics* 41, 5755) for optically deep water,

    u = b_b / (a + b_b),   r_rs = 0.089 u + 0.125 u²,   R_rs = 0.52 r_rs / (1 − 1.7 r_rs),   ρ = π R_rs,

with absorption by pure water (Pope and Fry 1997, *Applied Optics* 36, 8710, to 727 nm; Kou, Labrie and Chylek
1993, *Applied Optics* 32, 3531, beyond), by phytoplankton (Bricaud et al. 1995, *JGR* 100, 13321, rounded to the
band centres), by minerals and dissolved organic matter, and backscattering by particles (Babin et al. 2003,
*JGR* 108, 3211, and *Limnology and Oceanography* 48, 843: a*(443) = 0.041 m²/g, slope 0.0123 / nm; b*(555) =
0.51 m²/g at a backscattering ratio of 0.0183). Pure-water absorption in the short-wave infrared, in 1/m, is rounded:
all that matters there is that it swallows everything.
"""

import csv
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib import resources

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
    """Constituents of a water body.

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
        water: Its constituents.

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


#: Field reflectance of bare soil over that of its dry, sieved sample (a round figure between the dry soils' darkening
#: by roughness, 0.8 to 0.9, and by moisture, 0.5 to 0.9: Lobell and Asner 2002, *SSSA Journal* 66, 722).
FIELD_SOIL = 0.75
#: The same for broken rock, whose blocks shade each other more.
COARSE_ROCK = 0.54


class Material(IntEnum):
    """Material of a cell of the ground."""

    CANOPY = 0
    SHADED_CANOPY = 1
    GRASS = 2
    DRY_GRASS = 3
    CROP = 4
    RIPE_CROP = 5
    LITTER = 6
    CHAR = 7
    TOPSOIL = 8
    SUBSOIL = 9
    SAND = 10
    GRAVEL = 11
    ROCK = 12
    ORE = 13
    TRACK = 14
    ASPHALT = 15
    CONCRETE = 16
    TILE = 17
    SHINGLE = 18
    METAL = 19
    DARK_ROOF = 20
    RIVER = 21
    LAKE = 22
    FISH_POND = 23
    MUDDY_POND = 24
    MINE_POND = 25
    PROCESS_WATER = 26


_FROM_LIBRARY = {
    Material.CANOPY: ("rainforest_canopy",),
    Material.SHADED_CANOPY: ("shaded_canopy",),
    Material.GRASS: ("pasture",),
    Material.DRY_GRASS: ("dry_grass", "dead_grass"),
    Material.CROP: ("dense_crop",),
    Material.RIPE_CROP: ("pale_crop",),
    Material.LITTER: ("leaf_litter",),
    Material.CHAR: ("char",),
    Material.ASPHALT: ("asphalt", "worn_asphalt"),
    Material.CONCRETE: ("concrete", "white_roof", "white_roof"),
    Material.TILE: ("tile_roof",),
    Material.SHINGLE: ("shingle_roof",),
    Material.METAL: ("metal_roof",),
    Material.DARK_ROOF: ("dark_roof",),
}
_SANDS = ("sand", "brown_gravel")
_TOPSOILS = ("red_soil", "orange_soil", "brown_soil", "grey_soil", "dark_soil", "basaltic_soil")
_SUBSOILS = ("orange_soil", "yellow_soil", "grey_soil", "pale_soil", "brown_soil")
#: Freshly broken rock and kaolin lack the iron oxides and humus of weathered soil: their spectra are flat.
_ROCKS = ("grey_gravel", "brown_gravel", "pale_gravel", "white_soil")
_ORES = ("dark_gravel", "grey_gravel", "brown_gravel", "white_soil")

#: Number of steps in which a region's ground varies in each of two directions.
GEOLOGIES_ALONG = 8

#: From −1 (blue) to 1 (short-wave infrared), to tilt a spectrum.
SLOPE = np.log(_WAVELENGTH / 950) / np.log(2202 / 950)


@cache
def spectral_library() -> dict[str, NDArray[np.float64]]:
    """Read the spectra that come with the package.

    Returns:
        Reflectance by material, each of shape (12,), in the order of ``COMPETITION_BANDS``.
    """
    table = resources.files(__package__).joinpath("spectra.csv").read_text(encoding="utf-8")
    return {
        row["material"]: np.array([float(row[band]) for band in COMPETITION_BANDS])
        for row in csv.DictReader(table.splitlines())
    }


def local_spectra(rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw the spectra of a region: four kinds of ground at the corners of a square, and blends between them.

    Args:
        rng: Random number generator.

    Returns:
        Reflectance of shape (geologies, materials, 12): ``GEOLOGIES_ALONG``² blends row by row, materials in the order
        of :class:`Material`.
    """
    corners = np.stack([ground_spectra(rng) for _ in range(4)])
    along = np.linspace(0, 1, GEOLOGIES_ALONG, dtype=np.float32)
    down, across = np.repeat(along, GEOLOGIES_ALONG), np.tile(along, GEOLOGIES_ALONG)
    shares = np.stack([(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across], axis=1)
    return np.asarray(np.tensordot(shares, corners, axes=1), dtype=np.float32)


def ground_spectra(rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw the spectra of one kind of ground: which soils, rocks and waters it has, how they differ from the library's.

    Within a class, kinds differ by gain and by slope, by about a tenth, as spectra of one class do in the library.

    Args:
        rng: Random number generator.

    Returns:
        Reflectance of shape (materials, 12), rows in the order of :class:`Material`.
    """
    library = spectral_library()
    rows = np.empty((len(Material), len(COMPETITION_BANDS)))
    for material, names in _FROM_LIBRARY.items():
        rows[material] = library[names[rng.integers(len(names))]]
    rows[Material.SAND] = rng.uniform(0.9, 1.4) * _blend(_SANDS, rng)
    rows[Material.TOPSOIL] = FIELD_SOIL * _blend(_TOPSOILS, rng)
    rows[Material.SUBSOIL] = FIELD_SOIL * _blend(_SUBSOILS, rng)
    rows[Material.ROCK] = COARSE_ROCK * _blend(_ROCKS, rng)
    rows[Material.ORE] = COARSE_ROCK * _blend(_ORES, rng)
    rows[Material.GRAVEL] = 0.6 * rows[Material.SAND] + 0.4 * rows[Material.TOPSOIL]
    rows[Material.TRACK] = 0.5 * library["dirt_track"] + 0.5 * rows[Material.SUBSOIL]
    for material, water in _local_waters(rng).items():
        rows[material] = water_reflectance(water)
    gain = np.exp(rng.normal(0, 0.08, (len(Material), 1)))
    tilt = 1 + rng.normal(0, 0.06, (len(Material), 1)) * SLOPE
    return np.asarray(rows * gain * tilt, dtype=np.float32)


def _blend(names: tuple[str, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Mix two spectra of the library, since the soils of a place are no pure types."""
    first, second = rng.choice(len(names), size=2, replace=False)
    share = rng.uniform(0, 0.5)
    library = spectral_library()
    mixed: NDArray[np.float64] = (1 - share) * library[names[first]] + share * library[names[second]]
    return mixed


def _local_waters(rng: np.random.Generator) -> dict[Material, WaterBody]:
    def between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    return {
        Material.RIVER: WaterBody(between(5, 400), between(1, 8), between(0.3, 6), between(0.02, 0.08)),
        Material.LAKE: WaterBody(between(1, 40), between(1, 30), between(0.3, 3)),
        Material.FISH_POND: WaterBody(between(8, 120), between(15, 120), between(0.4, 2), between(0.03, 0.06)),
        Material.MUDDY_POND: WaterBody(between(30, 250), between(1, 20), between(0.3, 3), between(0.02, 0.08)),
        Material.MINE_POND: WaterBody(between(30, 180), between(0.5, 3), between(0.1, 0.5), between(0.004, 0.015)),
        Material.PROCESS_WATER: WaterBody(between(50, 300), 0.5, between(0.05, 0.4), between(0.004, 0.015)),
    }
