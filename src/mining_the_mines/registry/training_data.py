"""Hashes of the data behind a model: the chips that it has seen, and all that it was trained and tested on."""

import json
from collections.abc import Sequence
from typing import Final

import pandas as pd

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.core.hashing import hash_bytes

#: Columns of the table of folds that training and testing take.
_COLUMNS: Final = ("filename", "label", "category", "place", "split", "fold")
#: Hex digits of SHA-256 that identify a band of a chip: 64 bits, so that two of a million chips agree by chance in one
#: of 40 million archives.
_DIGITS: Final = 16


def hash_folds(folds: pd.DataFrame) -> str:
    """Hash a table of folds by the columns that models are made and judged from.

    Args:
        folds: One row a chip, in any order: ``filename``, ``label``, ``category``, ``place``, ``split``, ``fold``.

    Returns:
        SHA-256 of these columns, in hex digits.
    """
    rows = folds.reindex(columns=list(_COLUMNS)).sort_values("filename")
    text = rows.astype({"label": "Int64", "fold": "Int64"}).to_csv(index=False, lineterminator="\n")
    return hash_bytes(text.encode())


def hash_data(chips: str, folds: str, masks: str = "") -> str:
    """Join the hashes of all that a model is made and judged from.

    Pixels alone don't make a model: another label, another test place or another polygon makes another one.

    Args:
        chips: Hash of the packed chips, :attr:`~mining_the_mines.chips.packing.PackedChips.content_hash`.
        folds: Hash of the folds, from :func:`hash_folds`.
        masks: Hash of the true masks, :attr:`~mining_the_mines.chips.planes.PackedPlanes.content_hash`; empty for a
            model without masks.

    Returns:
        SHA-256 in hex digits.
    """
    parts = {"chips": chips, "folds": folds, **({"masks": masks} if masks else {})}
    return hash_bytes(json.dumps(parts).encode())


def hash_chips(packed: PackedChips, filenames: Sequence[str]) -> pd.DataFrame:
    """Hash chips band by band.

    A champion may come from another run, whose chips had other names or another test region: content tells which of
    them it has seen.

    Args:
        packed: All packed chips.
        filenames: Chips to hash.

    Returns:
        Column ``filename``, and one a band: the first 16 hex digits of the SHA-256 of its digital numbers.

    Raises:
        BadInputError: A chip was not packed.
    """
    rows = [
        (name, *(hash_bytes(band.tobytes())[:_DIGITS] for band in packed.array[row]))
        for name, row in zip(filenames, packed.rows(filenames), strict=True)
    ]
    return pd.DataFrame(rows, columns=["filename", *packed.bands], dtype="str")


def not_seen(candidates: pd.DataFrame, seen: pd.DataFrame) -> list[str]:
    """Find the chips that a model was not trained on.

    Args:
        candidates: From :func:`hash_chips`.
        seen: The same of a model's training chips; its bands may differ.

    Returns:
        File names of the candidates that differ from each training chip in a band that both have. Without a common
        band nothing is known, and none is returned.
    """
    shared = [band for band in candidates.columns if band != "filename" and band in seen.columns]
    if not shared:
        return []
    known = set(seen[shared].itertuples(index=False, name=None))
    fresh = [chip not in known for chip in candidates[shared].itertuples(index=False, name=None)]
    return candidates.loc[fresh, "filename"].tolist()
