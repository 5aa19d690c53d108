"""Where a classifier looks: Grad-CAM.

R. R. Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization", ICCV 2017.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import LayerActivation, LayerAttribution, LayerGradCam, LayerGradientXActivation
from numpy.typing import NDArray
from torch import Tensor, nn

from mining_the_mines.models.classifier_network import ClassifierNetwork
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.kinds import TrainedModel

#: A heat map of fewer cells per edge says no more than "somewhere in the middle".
FEWEST_CELLS = 6


@dataclass(frozen=True)
class SpatialLayer:
    """A layer whose output still tells places in the chip apart.

    Attributes:
        module: The layer.
        channels: Number of channels that come out.
    """

    module: nn.Module
    channels: int


def attention_map(models: Mapping[str, TrainedModel], reflectance: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Evidence for a mine in each pixel, averaged over the members of the first model that consists of networks.

    Args:
        models: Trained models by name.
        reflectance: One chip ``(C, H, W)``; NaN marks nodata.

    Returns:
        ``(H, W)`` in 0–1; 0 everywhere if nothing speaks for a mine. ``None`` if no model consists of networks.
    """
    ensemble = next((model.module for model in models.values() if isinstance(model.module, FoldEnsemble)), None)
    return None if ensemble is None else ensemble_map(ensemble, reflectance)


def ensemble_map(ensemble: FoldEnsemble, reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Evidence for a mine in each pixel, averaged over the networks of an ensemble; see :func:`attention_map`."""
    chip = torch.from_numpy(reflectance).unsqueeze(0)
    maps = [_grad_cam(member, chip) for member in ensemble.members if isinstance(member, ClassifierNetwork)]
    mean = torch.stack(maps).mean(dim=0)
    highest = float(mean.max())
    scaled: NDArray[np.float32] = (mean / highest if highest > 0 else mean).numpy()
    return scaled


def _grad_cam(member: ClassifierNetwork, chip: Tensor) -> Tensor:
    member.eval()
    layer = _deepest_spatial_layer(member)
    inputs = chip.clone().requires_grad_()
    shape = LayerActivation(member.logits, layer.module).attribute(chip).shape
    if len(shape) == 4 and shape[1] == layer.channels:
        attribution = LayerGradCam(member.logits, layer.module).attribute(inputs, relu_attributions=True)
    else:
        # Grad-CAM needs pictures. Where channels come last, gradient times activation is the same at each place
        # (R. Draelos and L. Carin, "Use HiResCAM instead of Grad-CAM", arXiv:2011.08891).
        products = LayerGradientXActivation(member.logits, layer.module).attribute(inputs)
        attribution = _as_picture(products.sum(dim=-1)).relu()
    enlarged: Tensor = LayerAttribution.interpolate(attribution, chip.shape[-2:], interpolate_mode="bilinear")
    return enlarged.detach()[0, 0]


def _as_picture(cells: Tensor) -> Tensor:
    """``(B, h, w)``, or ``(B, N)`` tokens row by row behind those of the class, to ``(B, 1, h, w)``."""
    if cells.ndim == 2:
        edge = math.isqrt(cells.shape[1])
        cells = cells[:, -edge * edge :].reshape(-1, edge, edge)
    return cells.unsqueeze(1)


def _deepest_spatial_layer(member: ClassifierNetwork) -> SpatialLayer:
    """The deepest stage of the network that still tells places in the chip apart."""
    stages: list[dict[str, object]] = list(member.backbone.feature_info)  # type: ignore[arg-type]
    chosen = stages[0]
    for stage in stages:
        reduction = stage["reduction"]
        if isinstance(reduction, int) and member.input_size // reduction >= FEWEST_CELLS:
            chosen = stage
    return SpatialLayer(member.backbone.get_submodule(str(chosen["module"])), int(str(chosen["num_chs"])))
