"""Complete models as programs of torch.export, for processes that know nothing of this package.

A folder holds ``model.pt2`` (the program, its weights and, once more, the description) and ``description.json``.
Neither holds a pickle.
"""

import copy
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mining_the_mines.models.blend import CLOSEST
from mining_the_mines.models.boosted_trees import BoostedTrees
from mining_the_mines.models.description import DESCRIPTION, PROGRAM, ModelDescription, ReflectanceRange
from mining_the_mines.models.feature_program import FeatureProgram
from mining_the_mines.models.forest import forest_of
from mining_the_mines.models.mine_classifier import MineClassifier
from mining_the_mines.models.mine_segmenter import MineSegmenter

#: Edge in metres of the pixels that chips have unless somebody says otherwise: Sentinel-2's finest bands.
PIXEL_METRES: Final = 10.0
#: Libraries whose versions a program is tied to.
LIBRARIES: Final = ("mining_the_mines", "torch", "timm", "scikit-learn")


class ClassifierProgram(nn.Module):
    """A classifier as one module: what it has chosen, and nothing else.

    Args:
        classifier: The trained parts; they are not changed.
    """

    def __init__(self, classifier: MineClassifier) -> None:
        super().__init__()
        self.chosen = classifier.chosen
        self.weights, self.intercept = classifier.blend.weights, classifier.blend.intercept
        if classifier.chosen != "network":
            bands, columns = classifier.chips.bands, classifier.baseline.features
            self.features = FeatureProgram(bands, classifier.features, columns, classifier.window)
            self.trees = BoostedTrees(forest_of(classifier.baseline))
        if classifier.chosen != "baseline":
            self.network = classifier.network.ensemble

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float32 ``(B, C, H, W)``; NaN marks nodata."""
        if self.chosen == "baseline":
            return self._by_trees(reflectance)
        network: Tensor = self.network(reflectance).double()
        if self.chosen == "network":
            return network
        probabilities = {"baseline": self._by_trees(reflectance), "network": network}
        weighed = [
            weight * probabilities[model].clamp(CLOSEST, 1 - CLOSEST).logit() for model, weight in self.weights.items()
        ]
        return (torch.stack(weighed).sum(dim=0) + self.intercept).sigmoid()

    def _by_trees(self, reflectance: Tensor) -> Tensor:
        probability: Tensor = self.trees(self.features(reflectance))
        return probability


def export_classifier(classifier: MineClassifier, folder: Path, pixel_metres: float = PIXEL_METRES) -> ModelDescription:
    """Write a classifier as one program: reflectance float32 ``(B, C, H, W)`` in, probability float64 ``(B,)`` out.

    The batch may have any size; C, H and W are those of the training chips.

    Args:
        classifier: Trees, networks or both; what is not chosen is left out.
        folder: An existing folder.
        pixel_metres: Edge of the chips' pixels on the ground.

    Returns:
        What was written beside the program, see :func:`describe`.
    """
    description = describe(classifier, pixel_metres)
    _write(ClassifierProgram(classifier), description, folder)
    return description


def export_segmenter(segmenter: MineSegmenter, folder: Path, pixel_metres: float = PIXEL_METRES) -> ModelDescription:
    """Write a segmenter as one program: reflectance ``(B, C, H, W)`` in, probability ``(B, H, W)`` out, both float32.

    The batch may have any size; C, H and W are those of the training chips. Attention windows are laid out for one
    size, and every network of ours is shown windows of that size when it maps a scene.

    Args:
        segmenter: The networks.
        folder: An existing folder.
        pixel_metres: Edge of the chips' pixels on the ground.

    Returns:
        What was written beside the program, see :func:`describe`.
    """
    description = describe(segmenter, pixel_metres)
    _write(segmenter.network.ensemble, description, folder)
    return description


def describe(model: MineClassifier | MineSegmenter, pixel_metres: float = PIXEL_METRES) -> ModelDescription:
    """Say what a model takes and gives: bands, scale, size, threshold, versions."""
    chips, size = model.chips, model.window
    whole = isinstance(model, MineClassifier)
    each = "(B,) float64: probability of a mine in each chip" if whole else (
        f"(B, {size}, {size}) float32: probability of a mine at each pixel, NaN where one lacks a band"
    )  # fmt: skip
    return ModelDescription(
        task="classification" if whole else "segmentation",
        decided_by=model.chosen if isinstance(model, MineClassifier) else "network",
        bands=chips.bands,
        chip_size=size,
        pixel_metres=pixel_metres,
        plausible=ReflectanceRange(
            lowest=chips.lowest_reflectance,
            highest=chips.highest_reflectance,
            implausible_share=chips.max_implausible_share,
            nodata_share=chips.max_nodata_share,
        ),
        input=f"(B, {len(chips.bands)}, {size}, {size}) float32: B chips of reflectance, bands in this order",
        output=f"{each}, 0 to 1",
        threshold=model.threshold,
        versions={library: version(library) for library in LIBRARIES},
    )


def _write(program: nn.Module, description: ModelDescription, folder: Path) -> None:
    exported = _trace(program, description)
    text = description.model_dump_json(indent=2)
    with warnings.catch_warnings():
        # Of parts of a tensor without the whole (torch/export/pt2_archive/_package_weights.py): harmless on a CPU.
        warnings.filterwarnings("ignore", message="No complete tensor found")
        torch.export.save(exported, folder / PROGRAM, extra_files={DESCRIPTION: text})
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def _trace(program: nn.Module, description: ModelDescription) -> ExportedProgram:
    size = description.chip_size
    chips = torch.full((2, len(description.bands), size, size), 0.2)  # a batch of one would be taken for a constant
    still = copy.deepcopy(program).requires_grad_(requires_grad=False)
    with torch.no_grad():
        exported = torch.export.export(still.cpu().eval(), (chips,), dynamic_shapes=({0: Dim("batch")},))
    exported.example_inputs = None  # they would be saved as a pickle
    for node in exported.graph.nodes:
        node.meta.pop("stack_trace", None)  # names folders of the machine where it was made
    return exported
