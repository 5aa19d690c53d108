"""Simulated regions with all that is known of their ground, one at a time."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine

from mining_the_mines.pretraining.settings import RegionSettings
from mining_the_mines.simulation.board import Plan
from mining_the_mines.simulation.canvas import CELL
from mining_the_mines.simulation.landscape import PIXEL, Landscape, build_landscape
from mining_the_mines.simulation.passes import sun_at
from mining_the_mines.simulation.places import Place, place_in
from mining_the_mines.simulation.sensor import Sky, observe_at_ten_metres
from mining_the_mines.simulation.spectra import SLOPE

_CELLS = int(PIXEL / CELL)


@dataclass(frozen=True)
class SimulatedRegion:
    """A region in pixels of 10 m.

    Attributes:
        place: Where it lies.
        reflectance: ``(12, H, W)`` float32, in the order of ``COMPETITION_BANDS``.
        cover: Land cover, ``(H, W)`` uint8, as :class:`~mining_the_mines.simulation.canvas.Cover`.
        material: Material that covers most of a pixel, ``(H, W)`` uint8, as
            :class:`~mining_the_mines.simulation.spectra.Material`; in a mine, it tells pits, spoil and ponds apart.
        mine: Share of a pixel that belongs to a mine, ``(H, W)`` float32.
    """

    place: Place
    reflectance: NDArray[np.float32]
    cover: NDArray[np.uint8]
    material: NDArray[np.uint8]
    mine: NDArray[np.float32]


def simulate_region(settings: RegionSettings, number: int) -> SimulatedRegion:
    """Simulate one region on one date.

    Args:
        settings: Settings of all regions.
        number: Number of the region, from 0; the region depends on it and on the settings only.
    """
    rng = np.random.default_rng([settings.seed, number])
    place = place_in(settings.provinces[rng.integers(len(settings.provinces))], rng)
    fewest, most = settings.mines
    plan = Plan(settings.pixels, settings.slots, int(rng.integers(fewest, most + 1)))
    landscape = build_landscape(place, plan, rng)
    landscape = replace(landscape, spectra=_other_ground(landscape.spectra, settings.spectra, rng))
    dominant = np.where(landscape.share > 0.5, landscape.second, landscape.first)
    return SimulatedRegion(
        place=place,
        reflectance=observe_at_ten_metres(landscape, _any_sky(place, rng), rng),
        cover=landscape.cover[::_CELLS, ::_CELLS],
        material=dominant[::_CELLS, ::_CELLS],
        mine=_mine_shares(landscape),
    )


def _other_ground(spectra: NDArray[np.float32], spread: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Give each material of a region a brightness and a tilt of its own, and all of them a common one."""
    shape = (spectra.shape[-2], 1)
    gain = rng.normal(0, spread, shape) + rng.normal(0, spread / 2)
    tilt = rng.normal(0, spread / 2, shape) + rng.normal(0, spread / 4)
    smooth = np.cos(np.pi * rng.uniform(0.5, 2) * SLOPE + rng.uniform(0, 2 * np.pi))
    warp = np.exp(gain + tilt * SLOPE + rng.normal(0, spread / 4, shape) * smooth)
    return np.asarray(np.clip(spectra * warp, 0, 0.95), dtype=np.float32)


def _any_sky(place: Place, rng: np.random.Generator) -> Sky:
    """Any day of the year, hazier and more varied than on the dates that a composite is made of."""
    day = date(2021, 1, 1) + timedelta(days=int(rng.integers(365)))
    return Sky(
        sun=sun_at(place, day),
        haze=float(abs(rng.normal(0, 0.012))),
        patchiness=float(rng.uniform(0.001, 0.008)),
        dryness=float(rng.uniform(0, 1)),
        gain=float(np.exp(rng.normal(0, 0.05))),
    )


def _mine_shares(landscape: Landscape) -> NDArray[np.float32]:
    side = landscape.first.shape[0]
    outlines = [mine.outline for mine in landscape.mines if not mine.outline.is_empty]
    if not outlines:
        return np.zeros((landscape.pixels, landscape.pixels), np.float32)
    cells = rasterize(outlines, out_shape=(side, side), transform=Affine.scale(CELL), dtype="uint8")
    pixels = cells.reshape(landscape.pixels, _CELLS, landscape.pixels, _CELLS)
    return np.asarray(pixels.mean(axis=(1, 3)), dtype=np.float32)
