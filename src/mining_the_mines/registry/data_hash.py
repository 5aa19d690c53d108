"""One hash for the data behind a model: its pixels, what they are said to show, and who is kept for testing.

Pixels alone don't make a model: one label that is turned over, one place that moves to the test split, or one outline
that is drawn anew gives another.
"""

import hashlib
import json
from typing import Final

import pandas as pd

#: What training and testing take from the table of folds.
_COLUMNS: Final = ("filename", "label", "category", "place", "split", "fold")


def hash_folds(folds: pd.DataFrame) -> str:
    """Tell tables of folds apart by what models are made and judged from.

    Args:
        folds: One row a chip, in any order: ``filename``, ``label``, ``category``, ``place``, ``split``, ``fold``.

    Returns:
        SHA-256 of these columns, in hex digits.
    """
    rows = folds.reindex(columns=list(_COLUMNS)).sort_values("filename")
    text = rows.astype({"label": "Int64", "fold": "Int64"}).to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def hash_data(chips: str, folds: str, masks: str = "") -> str:
    """Join the hashes of all that a model is made and judged from.

    Args:
        chips: Of the packed chips, :attr:`~mining_the_mines.chips.packing.PackedChips.content_hash`.
        folds: From :func:`hash_folds`.
        masks: Of the true masks, :attr:`~mining_the_mines.chips.planes.PackedPlanes.content_hash`; empty for a model
            that knows of none.

    Returns:
        SHA-256 in hex digits.
    """
    parts = {"chips": chips, "folds": folds, **({"masks": masks} if masks else {})}
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
