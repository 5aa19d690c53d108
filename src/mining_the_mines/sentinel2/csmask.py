"""Clouds and their shadows by the neural networks of the optional package ukis-csmask, in windows of any image.

Wieland, Fichtner & Martinis, *UKIS-CSMASK: A Python package for multi-sensor cloud and cloud shadow segmentation*, Int.
Arch. Photogramm. Remote Sens. Spatial Inf. Sci. XLIII-B3-2022, 217, https://doi.org/10.5194/isprs-archives-XLIII-B3-2022-217-2022.
The networks (Apache-2.0) see reflectance of level 1C or 2A in pixels of 30 m, with six bands or four.

The package classifies an image as a whole. Here an image is classified window by window in bounded memory, with the
same tiles, overlaps and weights, so that the windows together are what the package makes of the whole. Missing pixels
alone are shown to the networks otherwise: as the mean of the images that they were trained on instead of black, beside
which they see clouds that are not there (:file:`docs/benchmarks.md`).
"""

import json
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.scene_classification import SceneClass

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Level = Literal["l1c", "l2a"]
Classes = npt.NDArray[np.uint8]
Reflectance = npt.NDArray[np.float32]
#: Reads rows and columns of an image: float32 (bands, rows, columns), NaN without data.
Read = Callable[[slice, slice], Reflectance]

#: Bands that every network needs, and those that the better ones see, too.
LEAST_BANDS: Final = ("B2", "B3", "B4", "B8")
ALL_BANDS: Final = (*LEAST_BANDS, "B11", "B12")
#: Edge in metres of the pixels that the networks are trained on.
PIXEL: Final = 30
#: Edge of a tile that a network sees, of the overlap of two, and of the cell that is left: pixels.
TILE: Final = 256
OVERLAP: Final = 51
CELL: Final = 204
#: Scene class of each output of a network. All that is neither cloud nor shadow is called unclassified.
_CODES: Final = np.array(
    [SceneClass.UNCLASSIFIED, SceneClass.CLOUD_HIGH_PROBABILITY, SceneClass.CLOUD_SHADOW], dtype=np.uint8
)
#: Classes that a mask of these networks can hold.
KNOWN: Final = frozenset({SceneClass.NO_DATA, *(SceneClass(code) for code in _CODES)})


def require_csmask() -> None:
    """Check that the package is there.

    Raises:
        BadInputError: It is not installed.
    """
    if find_spec("ukis_csmask") is None or find_spec("onnxruntime") is None:
        raise BadInputError(
            "compositing.clear_sky.source asks for csmask, and the package ukis-csmask is not installed: install it "
            'with pip install "ukis-csmask[cpu]~=1.0", or set the parameter to scl.'
        )


def classify(read: Read, shape: tuple[int, int], rows: slice, columns: slice, bands: int, level: Level) -> Classes:
    """Classify a window of an image.

    Args:
        read: Reads a part of the image, in pixels of 30 m with the first bands of :data:`ALL_BANDS`.
        shape: Rows and columns of the image.
        rows: Rows of the window, from a multiple of :data:`CELL` to another or to the end of the image.
        columns: Columns of the window, likewise.
        bands: Six, or four.
        level: Processing level of the image.

    Returns:
        Codes of :class:`~mining_the_mines.sentinel2.scene_classification.SceneClass`, uint8 (rows, columns): no data,
        cloud, cloud shadow, or unclassified. They do not depend on how the image is divided.
    """
    down, across = _Tiles.over(rows, shape[0]), _Tiles.over(columns, shape[1])
    image = read(down.source, across.source)
    known: npt.NDArray[np.bool_] = np.isfinite(image).any(axis=0)  # type: ignore[assignment]
    inside = np.ix_(down.pixels(rows), across.pixels(columns))
    codes = np.where(known[inside], SceneClass.UNCLASSIFIED, SceneClass.NO_DATA).astype(np.uint8)
    if not known.any():
        return codes
    scores = _scores(_Network.load(bands, level), image, down, across)
    found = scores[:, : rows.stop - rows.start, : columns.stop - columns.start].argmax(axis=0)
    return np.where(codes == SceneClass.NO_DATA, codes, _CODES[found])


class _Tiles:
    """Tiles along one side of an image, and the part of the image that they see.

    Beyond the ends of an image, tiles see it mirrored.

    Args:
        first: Number of the first tile, which is that of its cell.
        end: Number behind the last tile.
        length: Pixels of the whole side.
    """

    def __init__(self, first: int, end: int, length: int) -> None:
        self.first, self.end = first, end
        places = np.arange(first * CELL - OVERLAP, (end - 1) * CELL - OVERLAP + TILE) % (2 * length)
        seen = np.where(places < length, places, 2 * length - 1 - places)
        self.source = slice(int(seen.min()), int(seen.max()) + 1)
        self.seen = seen - self.source.start

    @classmethod
    def over(cls, window: slice, length: int) -> "_Tiles":
        """Tiles that overlap a window."""
        return cls(window.start // CELL, (window.stop - 1 + OVERLAP) // CELL + 1, length)

    @property
    def starts(self) -> range:
        """First pixel of each tile among those seen."""
        return range(0, (self.end - self.first) * CELL, CELL)

    def pixels(self, window: slice) -> npt.NDArray[np.intp]:
        """Positions of the pixels of a window in the part that is read."""
        return np.arange(window.start, window.stop) - self.source.start


class _Network:
    """One of the package's networks; a process loads each once, and each call uses one core."""

    def __init__(self, session: "InferenceSession", mean: Reflectance, deviation: Reflectance) -> None:
        self._session, self._mean, self._deviation = session, mean, deviation
        self._input = session.get_inputs()[0].name

    @staticmethod
    @lru_cache(maxsize=4)
    def load(bands: int, level: Level) -> "_Network":
        import onnxruntime

        name = f"model_{bands}b_{level}"
        folder = files("ukis_csmask")
        facts = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["data"]["dataset_statistics"]["img"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            (folder / f"{name}.onnx").read_bytes(), sess_options=options, providers=["CPUExecutionProvider"]
        )
        mean, deviation = (np.array(values, dtype=np.float32)[:, None, None] for values in facts)
        return _Network(session, mean, deviation)

    def probabilities(self, tile: Reflectance) -> Reflectance:
        """Probabilities of background, cloud and shadow, float32 (3, rows, columns), of reflectance with NaN."""
        scaled = np.nan_to_num((tile - self._mean) / self._deviation, nan=0.0).astype(np.float32)
        (logits,) = self._session.run(None, {self._input: scaled[None]})
        found: Reflectance = softmax(logits, axis=1)[0]
        return found


def _scores(network: _Network, image: Reflectance, down: _Tiles, across: _Tiles) -> npt.NDArray[np.float64]:
    """Weighted sums of the tiles' probabilities, (3, rows, columns), from the first cell on."""
    from scipy.signal.windows import tukey  # takes a while, and only masks need it

    taper = tukey(TILE, alpha=0.4)
    weight = taper[:, None] * taper
    scores = np.zeros((len(_CODES), len(down.seen), len(across.seen)))
    for top in down.starts:
        for left in across.starts:
            tile = image[:, down.seen[top : top + TILE, None], across.seen[left : left + TILE]]
            scores[:, top : top + TILE, left : left + TILE] += network.probabilities(tile) * weight
    return scores[:, OVERLAP:, OVERLAP:]
