"""scikit-learn's boosted trees as plain arrays."""

from itertools import chain

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from mining_the_mines.models.baseline import Baseline
from mining_the_mines.models.boosted_trees import Forest


def forest_of(baseline: Baseline) -> Forest:
    """Lay the nodes of all trees of a baseline one after the other.

    scikit-learn publishes no way into its trees; what is read here is what its own export to ONNX reads (skl2onnx,
    ``operator_converters/gradient_boosting.py``). No split of ours is on categories.
    """
    boosters = list(chain.from_iterable(baseline.bags))
    trees = [_trees(booster) for booster in boosters]
    nodes = list(chain.from_iterable(trees))
    sizes = [len(tree) for tree in nodes]
    roots = np.cumsum([0, *sizes[:-1]], dtype=np.int64)
    table = np.concatenate(nodes)
    first = np.repeat(roots, sizes)
    leaf = table["is_leaf"].astype(bool)
    itself = np.arange(len(table), dtype=np.int64)
    return Forest(
        feature=np.where(leaf, 0, table["feature_idx"]).astype(np.int64),
        threshold=table["num_threshold"].astype(np.float64),
        missing_left=table["missing_go_to_left"].astype(bool),
        left=np.where(leaf, itself, first + table["left"]),
        right=np.where(leaf, itself, first + table["right"]),
        value=table["value"].astype(np.float64),
        roots=roots,
        depth=int(table["depth"].max()),
        trees=tuple(len(group) for group in trees),
        prior=tuple(float(booster._baseline_prediction.item()) for booster in boosters),  # noqa: SLF001 - no public name
        boosters=tuple(len(bag) for bag in baseline.bags),
    )


def _trees(booster: HistGradientBoostingClassifier) -> list[NDArray[np.void]]:
    """The nodes of each tree; two classes need one tree an iteration."""
    return [tree.nodes for (tree,) in booster._predictors]  # noqa: SLF001 - scikit-learn has no public name for its trees
