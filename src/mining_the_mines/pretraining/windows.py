"""Windows of simulated regions, mixed into batches while further regions are simulated."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler

from mining_the_mines.pretraining.regions import SimulatedRegion, simulate_region
from mining_the_mines.pretraining.settings import PretrainingSettings, WindowSettings

#: Regions from this number on are watched, never learnt from.
FIRST_WATCHED: Final = 10_000_000
#: A pixel size drawn for windows that are not coarse lies within this factor of the finest.
_ABOUT_TEN_METRES: Final = 1.6


class Windows(NamedTuple):
    """Some windows.

    Attributes:
        reflectance: ``(N, 12, S, S)`` float32.
        cover: ``(N, S, S)`` uint8.
        material: ``(N, S, S)`` uint8.
        mine: Share of mine, ``(N, S, S)`` float32.
    """

    reflectance: Tensor
    cover: Tensor
    material: Tensor
    mine: Tensor


def cut_windows(region: SimulatedRegion, settings: WindowSettings, rng: np.random.Generator) -> Windows:
    """Cut windows out of a region at several pixel sizes, half of them over mines.

    Args:
        region: The region.
        settings: Size, number and pixel sizes.
        rng: Random number generator.
    """
    planes = torch.from_numpy(np.concatenate([region.reflectance, region.mine[np.newaxis]]))
    mines = np.argwhere(region.mine > 0)
    parts: list[tuple[Tensor, NDArray[np.uint8], NDArray[np.uint8]]] = []
    for _ in range(settings.per_region):
        edge = draw_edge(settings, len(region.cover), rng)
        top, left = _draw_corner(edge, len(region.cover), mines if rng.random() < settings.at_mines else mines[:0], rng)
        window = planes[None, :, top : top + edge, left : left + edge]
        mode = "area" if edge >= settings.size else "bilinear"
        resized = functional.interpolate(window, size=(settings.size, settings.size), mode=mode)[0]
        nearest = ((np.arange(settings.size) + 0.5) * edge / settings.size).astype(int)
        place = np.ix_(top + nearest, left + nearest)
        parts.append((resized, region.cover[place], region.material[place]))
    stacked = torch.stack([resized for resized, _, _ in parts])
    cover, material = (torch.from_numpy(np.stack(kind)) for kind in list(zip(*parts, strict=True))[1:])
    return Windows(stacked[:, :-1].contiguous(), cover, material, stacked[:, -1].contiguous())


def draw_edge(settings: WindowSettings, side: int, rng: np.random.Generator) -> int:
    """Draw the edge of a window in pixels of 10 m, at most a side."""
    coarsest = settings.coarsest if rng.random() < settings.coarse else settings.finest * _ABOUT_TEN_METRES
    pixel = np.exp(rng.uniform(np.log(settings.finest), np.log(max(coarsest, settings.finest))))
    return min(round(settings.size * float(pixel)), side)


def _draw_corner(edge: int, side: int, mines: NDArray[np.intp], rng: np.random.Generator) -> tuple[int, int]:
    """A window that holds a random pixel of a mine, or any window."""
    if len(mines):
        corner = mines[rng.integers(len(mines))] - rng.integers(0, edge, 2)
        return int(np.clip(corner[0], 0, side - edge)), int(np.clip(corner[1], 0, side - edge))
    return int(rng.integers(side - edge + 1)), int(rng.integers(side - edge + 1))


class _RegionWindows(Dataset[Windows]):
    """Windows of regions by the region's number; each is simulated when it is asked for."""

    def __init__(self, settings: PretrainingSettings) -> None:
        self.settings = settings

    def __getitem__(self, number: int) -> Windows:
        region = simulate_region(self.settings.regions, number)
        rng = np.random.default_rng([self.settings.regions.seed, number, 1])
        return cut_windows(region, self.settings.windows, rng)


class _NewRegions(Sampler[int]):
    """The regions of an epoch; no two epochs share one."""

    def __init__(self, per_epoch: int) -> None:
        self.per_epoch = per_epoch
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw for this epoch from now on; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.per_epoch

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.epoch * self.per_epoch, (self.epoch + 1) * self.per_epoch))


@dataclass
class WindowStream:
    """Batches of windows of several regions, in an order that depends on seed and epoch only.

    Regions are simulated by other processes while the network learns, and a few of them are held at a time.

    Args:
        settings: The regions, their windows, and how many are mixed.
        first_epoch: Epoch at which the training begins.
    """

    settings: PretrainingSettings
    first_epoch: int = 0

    def __post_init__(self) -> None:
        self.sampler = _NewRegions(self.settings.regions_per_epoch)
        self.sampler.set_epoch(self.first_epoch)
        workers = self.settings.loader_workers
        self._regions: DataLoader[Windows] = DataLoader(
            _RegionWindows(self.settings),
            batch_size=None,
            sampler=self.sampler,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            generator=torch.Generator().manual_seed(self.settings.seed),
        )

    def __len__(self) -> int:
        """Batches per epoch."""
        return self.settings.regions_per_epoch * self.settings.windows.per_region // self.settings.batch_size

    def __iter__(self) -> Iterator[Windows]:
        """Mix the windows of the epoch's regions."""
        generator = torch.Generator().manual_seed(self.settings.seed * 100_003 + self.sampler.epoch)
        size, per_region = self.settings.batch_size, self.settings.windows.per_region
        enough = max(self.settings.windows.mixed * per_region, size)
        held: list[_Place] = []
        batches = 0
        for windows in self._regions:
            held += [(windows, number) for number in range(per_region)]
            while len(held) >= enough and batches < len(self):
                batches += 1
                yield _take(held, size, generator)
        for _ in range(batches, len(self)):
            yield _take(held, size, generator)


#: A window: those of its region, and its number among them.
_Place = tuple[Windows, int]


def _take(held: list[_Place], size: int, generator: torch.Generator) -> Windows:
    """Take random windows out of those that are held."""
    taken = []
    for _ in range(size):
        position = int(torch.randint(len(held), (1,), generator=generator))
        held[position], held[-1] = held[-1], held[position]
        taken.append(held.pop())
    return Windows(
        *(torch.stack([windows[part][number] for windows, number in taken]) for part in range(len(Windows._fields)))
    )


def join(parts: list[Windows]) -> Windows:
    """Put windows of several regions into one."""
    return Windows(*(torch.cat(kind) for kind in zip(*parts, strict=True)))


def watched_windows(settings: PretrainingSettings) -> list[Windows]:
    """Windows of regions that are never learnt from, one batch per region."""
    dataset = _RegionWindows(settings)
    return [dataset[FIRST_WATCHED + number] for number in range(settings.watched_regions)]
