"""Which chips a model was trained on, told by their pixels and not by their names.

A champion may come from another run, whose chips had other names, or whose region for testing was another one. What it
has seen must not speak for it.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import pandas as pd

from mining_the_mines.chips.packing import PackedChips

#: Hex digits of SHA-256 that tell a band of a chip: 64 bits, so that two of a million chips agree by chance in one of
#: 40 million archives.
_DIGITS: Final = 16


def hash_chips(packed: PackedChips, filenames: Sequence[str]) -> pd.DataFrame:
    """Tell chips by the content of each of their bands.

    Args:
        packed: All packed chips.
        filenames: Which of them.

    Returns:
        Column ``filename``, and one a band: the first 16 hex digits of the SHA-256 of its digital numbers.

    Raises:
        ChipError: A chip was not packed.
    """
    rows = [
        (name, *(hashlib.sha256(band.tobytes()).hexdigest()[:_DIGITS] for band in packed.array[row]))
        for name, row in zip(filenames, packed.rows(filenames), strict=True)
    ]
    return pd.DataFrame(rows, columns=["filename", *packed.bands], dtype="str")


def not_seen(candidates: pd.DataFrame, seen: pd.DataFrame) -> list[str]:
    """Find the chips that a model was not trained on.

    Args:
        candidates: From :func:`hash_chips`.
        seen: The same of the chips that a model was trained on; its bands may be others.

    Returns:
        File names of the candidates of which no chip that was seen is equal in all bands that both have; none, if
        they have no band in common, since then nothing can be told.
    """
    shared = [band for band in candidates.columns if band != "filename" and band in seen.columns]
    if not shared:
        return []
    known = set(seen[shared].itertuples(index=False, name=None))
    fresh = [chip not in known for chip in candidates[shared].itertuples(index=False, name=None)]
    return candidates.loc[fresh, "filename"].tolist()
