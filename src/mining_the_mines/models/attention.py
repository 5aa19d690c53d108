"""Where a classifier looks: Grad-CAM.

R. R. Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization", ICCV 2017.
"""

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam
from numpy.typing import NDArray
from torch import Tensor, nn

from mining_the_mines.models.classifier import MineClassifier
from mining_the_mines.models.ensemble import FoldEnsemble

#: A heat map of fewer cells an edge says no more than "somewhere in the middle".
FEWEST_CELLS = 6


def attention_map(ensemble: FoldEnsemble, reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
    """What speaks for a mine, averaged over the members.

    Args:
        ensemble: The networks.
        reflectance: One chip ``(C, H, W)``; NaN marks nodata.

    Returns:
        ``(H, W)`` in 0–1; 0 everywhere if nothing speaks for a mine.
    """
    chip = torch.from_numpy(reflectance).unsqueeze(0)
    maps = [_grad_cam(member, chip) for member in ensemble.members if isinstance(member, MineClassifier)]
    mean = torch.stack(maps).mean(dim=0)
    highest = float(mean.max())
    scaled: NDArray[np.float32] = (mean / highest if highest > 0 else mean).numpy()
    return scaled


def _grad_cam(member: MineClassifier, chip: Tensor) -> Tensor:
    member.eval()
    layer = _deepest_spatial_layer(member)
    inputs = chip.clone().requires_grad_(requires_grad=True)
    attribution = LayerGradCam(member.logits, layer).attribute(inputs, relu_attributions=True)
    enlarged: Tensor = LayerAttribution.interpolate(attribution, chip.shape[-2:], interpolate_mode="bilinear")
    return enlarged.detach()[0, 0]


def _deepest_spatial_layer(member: MineClassifier) -> nn.Module:
    """The deepest stage of the network that still tells places in the chip apart."""
    stages: list[dict[str, object]] = list(member.backbone.feature_info)  # type: ignore[arg-type]
    chosen = stages[0]
    for stage in stages:
        reduction = stage["reduction"]
        if isinstance(reduction, int) and member.input_size // reduction >= FEWEST_CELLS:
            chosen = stage
    return member.backbone.get_submodule(str(chosen["module"]))
