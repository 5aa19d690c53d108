"""Maps of probability that lie on the masks that they will be compared with."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.chips.planes import PackedPlanes, PlaneStream

#: Name of the band in a GIS.
DESCRIPTION: Final = "probability of a mine"


def stream_maps(masks: PackedPlanes, filenames: Sequence[str], probabilities: npt.NDArray[np.floating]) -> PlaneStream:
    """Put maps where the masks of their chips are.

    Args:
        masks: Of these chips and maybe others.
        filenames: The chips.
        probabilities: (chips, height, width) in 0–1, NaN without data.

    Returns:
        The maps in half precision, which has three digits, more than any threshold needs.

    Raises:
        BadInputError: If a chip has no mask.
    """
    grids = tuple(masks.grids[row] for row in masks.rows(filenames))
    maps = probabilities.astype(np.float16)
    return PlaneStream(tuple(filenames), grids, masks.size, "float16", iter(maps), DESCRIPTION)
