"""Nodes of feature extraction."""

import pandas as pd

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.chips.features import extract_features as tabulate
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.core.progress_bars import progress_bar


def extract_features(packed_chips: PackedChips, features: FeatureSettings) -> pd.DataFrame:
    """Describe each chip by statistics of its bands and spectral indices, and by an encoder if it is wanted."""
    from mining_the_mines.models.embedding import build_embedding

    embedding = build_embedding(features, packed_chips.bands, packed_chips.array.shape[-1])
    return tabulate(packed_chips, features, progress_bar, embedding)
