"""Gradient-boosted trees on the feature table, fitted with scikit-learn; importing this loads no torch."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mining_the_mines.models.kinds import Weights
from mining_the_mines.models.tables import LabelledTable, TableKind

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from torch import Tensor


class BoostedTrees(TableKind):
    """A bag of gradient-boosted trees; each booster sees another random weighting of the places."""

    title: ClassVar[str] = "boosted trees on spectral statistics"

    iterations: int = Field(80, ge=1, description="Trees per booster.")
    learning_rate: float = Field(0.08, gt=0, description="Shrinkage of the contribution of each tree.")
    max_leaf_nodes: int = Field(5, ge=2, description="Largest number of leaves per tree.")
    min_samples_leaf: int = Field(10, ge=1, description="Smallest number of chips per leaf.")
    l2: float = Field(5.0, ge=0, description="L2 penalty on leaf values.")
    max_features: float = Field(0.15, gt=0, le=1, description="Share of the features that each split may look at.")
    max_bins: int = Field(
        16,
        ge=2,
        le=255,
        description="Number of values that a feature is rounded to; few are fast, and hard to overfit with.",
    )
    bag: int = Field(5, ge=1, description="Number of boosters that are averaged.")
    seed: int = Field(0, description="Seed of the bag.")

    @property
    def seed_of_folds(self) -> int:
        """Seed of the bag."""
        return self.seed

    def fit_table(self, table: LabelledTable, random: np.random.Generator) -> Weights:
        """Fit the boosters of a bag."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        # A feature that no chip has a value of (an index without data, say) can't be binned; as a constant it is inert.
        values = np.where(np.isnan(table.figures).all(axis=0), 0.0, table.figures)
        boosters = []
        for _ in range(self.bag):
            weights = np.ones(len(table.labels)) if self.bag == 1 else _weigh_places(table.places, random)
            booster = HistGradientBoostingClassifier(
                learning_rate=self.learning_rate,
                max_iter=self.iterations,
                max_leaf_nodes=self.max_leaf_nodes,
                min_samples_leaf=self.min_samples_leaf,
                l2_regularization=self.l2,
                max_features=self.max_features,
                max_bins=self.max_bins,
                early_stopping=False,
                class_weight="balanced",
                random_state=int(random.integers(2**31)),
            )
            boosters.append(booster.fit(values, table.labels, sample_weight=weights))
        return tree_arrays(boosters)

    def probability(self, weights: Weights, features: "Tensor") -> "Tensor":
        """Average the log-odds of the boosters.

        All chips go down all trees at once, a step at a time, by gathering: without loops over trees, and without
        branches that ``torch.export`` could not follow (S. Nakandala et al., "A tensor compiler for unified machine
        learning prediction serving", OSDI 2020, section 4.1). Thresholds and leaves stay float64, as they were learnt.
        """
        import torch

        node = weights["roots"].expand(features.shape[0], -1)
        for _ in range(int(weights["depth"])):
            asked = features.gather(1, weights["feature"][node])
            goes_left = torch.where(asked.isnan(), weights["missing_left"][node], asked <= weights["threshold"][node])
            node = torch.where(goes_left, weights["left"][node], weights["right"][node])
        log_odds = weights["value"][node].sum(dim=1) / len(weights["prior"]) + weights["prior"].mean()
        return log_odds.sigmoid()


def _weigh_places(places: NDArray[np.str_], random: np.random.Generator) -> NDArray[np.float64]:
    """Weights of a bootstrap that draws whole places; none is quite 0, so that both classes stay in.

    The number of times that a place is drawn is Poisson distributed (N. Oza, S. Russell, "Online bagging and boosting",
    AISTATS 2001).
    """
    names, positions = np.unique(places, return_inverse=True)
    drawn = random.poisson(1.0, len(names)).astype(np.float64)
    return drawn[positions] + 1e-3


def tree_arrays(boosters: "list[HistGradientBoostingClassifier]") -> Weights:
    """The N nodes of the T trees of a bag of scikit-learn's boosters as tensors.

    scikit-learn has no public names for its trees; skl2onnx reads the same fields (``operator_converters/
    gradient_boosting.py``). No split here is on categories.

    Returns:
        ``feature`` int64 ``(N,)``, the feature that a node asks for; ``threshold`` float64, values up to it go left;
        ``missing_left`` bool, where NaN goes; ``left`` and ``right`` int64, numbers of the children, a leaf being its
        own child; ``value`` float64, log-odds that a leaf adds; ``roots`` int64 ``(T,)``; ``depth`` int64, steps to the
        deepest leaf; ``prior`` float64, log-odds that each booster starts with.
    """
    import torch

    nodes = [tree.nodes for booster in boosters for (tree,) in booster._predictors]  # noqa: SLF001 - see above
    sizes = [len(tree) for tree in nodes]
    roots = np.cumsum([0, *sizes[:-1]], dtype=np.int64)
    table: Any = np.concatenate(nodes)
    first = np.repeat(roots, sizes)
    leaf = table["is_leaf"].astype(bool)
    itself = np.arange(len(table), dtype=np.int64)
    arrays = {
        "feature": np.where(leaf, 0, table["feature_idx"]).astype(np.int64),
        "threshold": table["num_threshold"].astype(np.float64),
        "missing_left": table["missing_go_to_left"].astype(bool),
        "left": np.where(leaf, itself, first + table["left"]).astype(np.int64),
        "right": np.where(leaf, itself, first + table["right"]).astype(np.int64),
        "value": table["value"].astype(np.float64),
        "roots": roots,
        "depth": np.array(int(table["depth"].max()), dtype=np.int64),
        "prior": np.array([float(booster._baseline_prediction.item()) for booster in boosters]),  # noqa: SLF001
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
