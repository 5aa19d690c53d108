"""What the registry knows of the model in use."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from mining_the_mines.models.mine_classifier import MineClassifier
    from mining_the_mines.models.mine_segmenter import MineSegmenter


@dataclass(frozen=True)
class Champion:
    """The model in use.

    Attributes:
        version: In the registry.
        content_hash: Tells whether another is the same, see :class:`mining_the_mines.registry.package.StoredPackage`.
        model: The complete model.
        training_chips: What it was trained on, see :func:`mining_the_mines.registry.seen_chips.hash_chips`.
    """

    version: str
    content_hash: str
    model: "MineClassifier | MineSegmenter"
    training_chips: pd.DataFrame


@dataclass(frozen=True)
class RegistryView:
    """What was found in the registry under a model's name.

    Attributes:
        name: The model's name.
        champion: The version in use, if there is one.
        silent: Why no champion can be compared with, in one sentence; empty if the registry has told all of it.
    """

    name: str
    champion: Champion | None = None
    silent: str = ""
