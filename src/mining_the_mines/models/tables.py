"""Models on the feature table; importing this loads no torch."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.threads import one_thread
from mining_the_mines.models.kinds import ChipLayout, FoldFit, LabelledChips, ModelKind, ReportEpoch, Weights

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Number of times that each family of features is shuffled for its importance.
SHUFFLES: Final = 4
#: Rows that are predicted in one call while features are shuffled.
ROWS_AT_ONCE: Final = 4000

Predict = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class LabelledTable:
    """Rows of the feature table with their labels.

    Attributes:
        figures: float64 ``(N, F)``; NaN for a missing one.
        labels: int64 ``(N,)`` of 0 and 1.
        places: ``(N,)``; chips of one place look alike.
    """

    figures: NDArray[np.float64]
    labels: NDArray[np.int64]
    places: NDArray[np.str_]


class TableKind(ModelKind):
    """A kind of model that sees the feature table; the exported module computes the features itself."""

    embedding: bool = Field(
        True, description="Whether it looks at features of the family embedding, if the table has any."
    )

    @abstractmethod
    def fit_table(self, table: LabelledTable, random: np.random.Generator) -> Weights:
        """Train on a table."""

    @abstractmethod
    def probability(self, weights: Weights, features: "Tensor") -> "Tensor":
        """Predict in torch operations that ``torch.export`` can follow.

        Args:
            weights: As :meth:`fit_table` returned them.
            features: float64 ``(B, F)``; NaN for a missing one.

        Returns:
            Probability of a mine, float64 ``(B,)``.
        """

    def table_module(self, weights: Weights) -> "nn.Module":
        """Build the module of one member: features float64 ``(B, F)``, NaN if missing → probability ``(B,)``."""
        from mining_the_mines.models.ensemble import TableMember

        return TableMember(self.probability, weights)

    @property
    def seed_of_folds(self) -> int:
        """Seed of the random numbers of all folds."""
        return 0

    def fit(self, data: LabelledChips, fold: int, folder: Path, report: ReportEpoch) -> FoldFit:  # noqa: ARG002
        """Train on the rows of the other folds, predict the fold's rows and shuffle their features.

        Raises:
            BadInputError: The feature table lacks a chip, or holds nothing but an embedding that is not looked at.
        """
        import torch

        random = np.random.default_rng([self.seed_of_folds, fold])
        features = self._seen_of(data.features)
        others, held_out = (_table(features, rows) for rows in (data.outside(fold), data.inside(fold)))
        with one_thread():
            weights = self.fit_table(others, random)
            module = self.table_module(weights).eval()

            def predict(values: NDArray[np.float64]) -> NDArray[np.float64]:
                with torch.inference_mode():
                    probability: NDArray[np.float64] = module(torch.from_numpy(values)).double().numpy()
                return probability

            losses = shuffling_losses(predict, held_out, feature_families(list(features.columns)), random)
            return FoldFit([weights], predict(held_out.figures), importances=losses)

    def assemble(self, members: Sequence[Weights], layout: ChipLayout) -> "nn.Module":
        """Compute the features once and average the members."""
        from mining_the_mines.chips.feature_program import FeatureProgram
        from mining_the_mines.models.embedding import build_embedding
        from mining_the_mines.models.ensemble import TableModel

        settings = layout.features if self.embedding else layout.features.without_embedding()
        embedding = build_embedding(settings, layout.bands, layout.chip_size)
        features = FeatureProgram(layout.bands, settings, layout.chip_size, embedding)
        return TableModel(features, [self.table_module(weights) for weights in members])

    def _seen_of(self, features: pd.DataFrame) -> pd.DataFrame:
        if self.embedding:
            return features
        seen = features.drop(columns=[name for name in features if str(name).startswith("embedding_")])
        if seen.empty:
            raise BadInputError(
                "A model with embedding: false has no features, since embedding is the only one of features.families: "
                "add cover or another family, or set the model's embedding to true."
            )
        return seen


def _table(features: pd.DataFrame, rows: pd.DataFrame) -> LabelledTable:
    missing = rows.loc[~rows["filename"].isin(features.index), "filename"]
    if len(missing):
        raise BadInputError(f"The feature table lacks {missing.iloc[0]}: run feature_extraction again.")
    return LabelledTable(
        figures=features.loc[rows["filename"]].to_numpy(dtype=np.float64, copy=True),
        labels=rows["label"].to_numpy(dtype=np.int64),
        places=rows["place"].to_numpy(dtype=str),
    )


def feature_families(columns: Sequence[str]) -> dict[str, list[int]]:
    """Positions of the statistics of each band or index: all of the name but the part after the last underscore."""
    families: dict[str, list[int]] = {}
    for position, column in enumerate(columns):
        families.setdefault(str(column).rsplit("_", 1)[0], []).append(position)
    return families


def shuffling_losses(
    predict: Predict, table: LabelledTable, families: dict[str, list[int]], random: np.random.Generator
) -> dict[str, float]:
    """Loss of ROC AUC when all statistics of a band or index are shuffled together.

    Shuffled one by one they would stand in for each other, and all look useless (L. Breiman, "Random forests", Machine
    Learning 45, 2001, on shuffling).

    Returns:
        Loss by family; NaN if the table holds one class.
    """
    from sklearn.metrics import roc_auc_score

    values, labels = table.figures, table.labels
    if len(np.unique(labels)) < 2:
        return dict.fromkeys(families, float("nan"))
    score = roc_auc_score(labels, predict(values))
    at_once = max(1, ROWS_AT_ONCE // (SHUFFLES * len(values)))
    names = list(families)
    losses: dict[str, float] = {}
    for start in range(0, len(names), at_once):
        chunk = names[start : start + at_once]
        copies = np.repeat(values[None], SHUFFLES * len(chunk), axis=0)
        for number, copy in enumerate(copies):
            positions = families[chunk[number // SHUFFLES]]
            copy[:, positions] = copy[random.permutation(len(copy))][:, positions]
        shuffled = predict(copies.reshape(-1, values.shape[1])).reshape(len(chunk), SHUFFLES, -1)
        for name, rows in zip(chunk, shuffled, strict=True):
            losses[name] = score - float(np.mean([roc_auc_score(labels, row) for row in rows]))
    return losses


def importance_table(losses: Sequence[dict[str, float]]) -> pd.DataFrame:
    """Mean and deviation over folds, the most important family first.

    Returns:
        Columns ``feature``, ``importance`` and ``deviation``.
    """
    values: Any = pd.DataFrame(list(losses))
    table = pd.DataFrame(
        {"feature": list(values.columns), "importance": values.mean(), "deviation": values.std(ddof=0)}
    )
    return table.sort_values("importance", ascending=False, ignore_index=True)
