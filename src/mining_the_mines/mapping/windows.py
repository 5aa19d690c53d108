"""Windows of a scene, and the weights by which they are blended.

Rows and columns are cut alike, each axis by itself. The weights of all windows over a pixel add up to one along either
axis, so a map is the plain sum of weighted windows: nothing has to be divided, and rows can be written as soon as their
last window is done.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mining_the_mines.mapping.settings import Blend

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class AxisWindows:
    """Windows along one axis of a scene.

    Attributes:
        length: Pixels of the scene along the axis.
        window: Pixels of a window along the axis.
        starts: First pixel of each window, in order. A window may begin before the scene and end behind it; pixels
            outside are the mirror image of the scene.
        blend: Blending of overlapping windows.
    """

    length: int
    window: int
    starts: tuple[int, ...]
    blend: Blend

    @cached_property
    def weights(self) -> npt.NDArray[np.float32]:
        """Weight of each window at its pixels, (windows, window); for each pixel of the scene they add up to one."""
        first = self.starts[0]
        total = np.zeros(self.starts[-1] - first + self.window)
        raw = [self._raw_weights(number) for number in range(len(self.starts))]
        for start, share in zip(self.starts, raw, strict=True):
            total[start - first : start - first + self.window] += share
        return np.stack(
            [
                (share / total[start - first : start - first + self.window]).astype(np.float32)
                for start, share in zip(self.starts, raw, strict=True)
            ]
        )

    def _raw_weights(self, number: int) -> npt.NDArray[np.float64]:
        place = np.arange(self.window) + 0.5
        if self.blend == "cosine":
            return np.sin(math.pi * place / self.window) ** 2
        start, half = self.starts[number], self.window / 2
        before = (self.starts[number - 1] + start) / 2 + half if number else -math.inf
        behind = (self.starts[number + 1] + start) / 2 + half if number + 1 < len(self.starts) else math.inf
        return np.asarray((place + start > before) & (place + start <= behind), dtype=np.float64)

    def inside(self, number: int) -> tuple[int, int]:
        """First pixel of the scene in a window, and the pixel behind its last."""
        start = self.starts[number]
        return max(0, start), min(self.length, start + self.window)

    def mirrored(self, first: int, end: int) -> Indices:
        """Pixels of the scene at the positions from ``first`` to before ``end``, mirrored outside the scene."""
        period = max(1, 2 * (self.length - 1))
        place = np.arange(first, end) % period
        return np.asarray(np.minimum(place, period - place).clip(max=self.length - 1), dtype=np.intp)


def cut_axis(length: int, window: int, overlap: float, blend: Blend, *, whole: bool = False) -> AxisWindows:
    """Cut an axis of a scene into windows.

    A scene that fits into a window is one window of its own size. In a longer scene, windows begin half an overlap
    before it and end as far behind it, so that its rims have context, though it is mirrored; the last window is moved
    back to end there, too.

    Args:
        length: Pixels of the scene.
        window: Pixels of a window.
        overlap: Share of a window that overlaps the next one, 0 to less than 1.
        blend: Blending of overlapping windows.
        whole: True if no window may be smaller than ``window``: a smaller scene lies in the middle of mirror images.

    Returns:
        The windows.
    """
    if length <= window:
        size = window if whole else length
        return AxisWindows(length, size, ((length - size) // 2,), blend)
    step = max(1, window - round(window * overlap))
    margin = (window - step) // 2
    last = length + margin - window
    starts = [*range(-margin, last, step), last]
    return AxisWindows(length, window, tuple(starts), blend)
