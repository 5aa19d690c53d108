"""Members of all folds, and models of a blend, as one module; and predictions for packed chips."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mining_the_mines.chips.feature_program import FeatureProgram
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.models.batches import decode_batch
from mining_the_mines.models.blend import CLOSEST, Blend
from mining_the_mines.models.kinds import Weights
from mining_the_mines.models.predictor import TestTimeAugmentation
from mining_the_mines.scoring.calibration import Calibration

_TURNS_AND_FLIPS: dict[str, tuple[tuple[int, bool], ...]] = {
    "none": ((0, False),),
    "flips": tuple(product((0, 2), (False, True))),
    "dihedral": tuple(product((0, 1, 2, 3), (False, True))),
}


class FoldEnsemble(nn.Module):
    """Mean probability of the members over the symmetries of the square.

    A mine has no upright side: predictions for the turned and mirrored chip are as good, and their mean is better
    (D. Ciresan, U. Meier, J. Schmidhuber, "Multi-column deep neural networks for image classification", CVPR 2012).

    Args:
        members: One or more networks per fold, all for the same task and with the same bands.
        test_time_augmentation: Which symmetries to average over.
    """

    def __init__(self, members: Sequence[nn.Module], test_time_augmentation: TestTimeAugmentation = "none") -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.test_time_augmentation = test_time_augmentation

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B,)`` in 0–1, or ``(B, H, W)`` from segmenters, NaN where a pixel has no data.
        """
        return self.each(reflectance).mean(dim=0)

    def each(self, reflectance: Tensor) -> Tensor:
        """Probabilities of each member by itself, ``(members, B)`` or ``(members, B, H, W)``."""
        views = [_turn(reflectance, *view) for view in _TURNS_AND_FLIPS[self.test_time_augmentation]]
        if torch.compiler.is_exporting():
            # One large batch holds each member once in the exported graph; small ones need less memory at work.
            stacked = torch.cat(views)
            seen = [member(stacked).unflatten(0, (len(views), -1)).unbind() for member in self.members]
        else:
            seen = [[member(view) for view in views] for member in self.members]
        return torch.stack([torch.stack(self._upright(part)).mean(dim=0) for part in seen])

    def _upright(self, probabilities: Sequence[Tensor]) -> list[Tensor]:
        """Turn maps of turned views back; figures of whole chips have no direction."""
        views = _TURNS_AND_FLIPS[self.test_time_augmentation]
        return [
            _turn_back(probability, *view) if probability.ndim == 3 else probability
            for probability, view in zip(probabilities, views, strict=True)
        ]


def _turn(images: Tensor, turns: int, mirrored: bool) -> Tensor:
    turned = torch.rot90(images, turns, dims=(-2, -1)) if turns else images  # by nothing, it would copy them
    return turned.flip(-1) if mirrored else turned


def _turn_back(maps: Tensor, turns: int, mirrored: bool) -> Tensor:
    upright = maps.flip(-1) if mirrored else maps
    return torch.rot90(upright, -turns, dims=(-2, -1)) if turns else upright


class TableModel(nn.Module):
    """Computes features of chips and averages the probabilities of members that look at them.

    Args:
        features: Reflectance to features.
        members: Features float64 ``(B, F)`` to probability ``(B,)``.
    """

    def __init__(self, features: FeatureProgram, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.features = features
        self.members = nn.ModuleList(members)

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float32 ``(B, C, H, W)``; NaN marks nodata."""
        features = self.features(reflectance)
        return torch.stack([member(features) for member in self.members]).mean(dim=0)


class TableMember(nn.Module):
    """One fitted model: its weights as buffers of the module, its arithmetic from its kind.

    Args:
        probability: :meth:`mining_the_mines.models.tables.TableKind.probability` of its kind.
        weights: As ``fit_table`` of its kind returned them. A single whole number, such as the depth of trees, becomes
            an ``int``, so that ``torch.export`` can unroll a loop over it.
    """

    def __init__(self, probability: Callable[[Weights, Tensor], Tensor], weights: Weights) -> None:
        super().__init__()
        self.probability = probability
        self.numbers: dict[str, Any] = {}
        for name, tensor in weights.items():
            if tensor.ndim == 0 and not tensor.is_floating_point():
                self.numbers[name] = int(tensor)
            else:
                self.register_buffer(name, tensor)

    def forward(self, features: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float64 ``(B, F)``; NaN marks a missing figure."""
        return self.probability({**dict(self.named_buffers()), **self.numbers}, features)


class BlendModule(nn.Module):
    """A blend of models as one module.

    Args:
        models: Modules by name; reflectance ``(B, C, H, W)`` to probability ``(B,)``.
        blend: Weights of the models.
    """

    def __init__(self, models: Mapping[str, nn.Module], blend: Blend) -> None:
        super().__init__()
        self.models = nn.ModuleDict(dict(models))
        self.weights, self.intercept = dict(blend.weights), blend.intercept

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float32 ``(B, C, H, W)``; NaN marks nodata."""
        weighed = [
            weight * self.models[name](reflectance).double().clamp(CLOSEST, 1 - CLOSEST).logit()
            for name, weight in self.weights.items()
        ]
        return (torch.stack(weighed).sum(dim=0) + self.intercept).sigmoid()


class CalibratedModule(nn.Module):
    """A classifier whose log-odds are scaled and shifted.

    Args:
        module: Reflectance ``(B, C, H, W)`` to probability ``(B,)``.
        calibration: Scale and shift.
    """

    def __init__(self, module: nn.Module, calibration: Calibration) -> None:
        super().__init__()
        self.module = module
        self.scale, self.shift = calibration.scale, calibration.shift

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float32 ``(B, C, H, W)``; NaN marks nodata."""
        log_odds = self.module(reflectance).double().clamp(CLOSEST, 1 - CLOSEST).logit()
        calibrated: Tensor = (self.scale * log_odds + self.shift).sigmoid()
        return calibrated


def predict_packed(
    module: nn.Module, packed: PackedChips, filenames: Sequence[str], batch_size: int
) -> NDArray[np.floating[Any]]:
    """Probability of a mine for each named chip, or for each of its pixels.

    Args:
        module: Takes reflectance ``(B, C, H, W)`` and returns probabilities ``(B,)``, or ``(B, H, W)`` with NaN for
            nodata.
        packed: All packed chips.
        filenames: Which of them; at least one.
        batch_size: Chips at a time.

    Returns:
        float64 ``(len(filenames),)``, or float16 ``(len(filenames), H, W)``: half precision has three digits, more than
        any threshold needs.
    """
    device = _device(module)
    module.to(device).eval()
    rows = packed.rows(filenames)
    batches = []
    for start in range(0, len(rows), batch_size):
        numbers = _sent(packed.array[rows[start : start + batch_size]], device)
        with torch.inference_mode(), _precision(module, device):
            probability = module(decode_batch(numbers)).cpu()
        batches.append((probability.half() if probability.ndim == 3 else probability.double()).numpy())
    module.cpu()
    return np.concatenate(batches)


def predict_reflectance(module: nn.Module, reflectance: NDArray[np.float32], each: bool = False) -> NDArray[Any]:
    """Probability of a mine for chips ``(B, C, H, W)`` in reflectance with NaN for nodata, or for their pixels.

    Args:
        module: The model.
        reflectance: The chips.
        each: True for the probabilities of each member of an ensemble, along a first axis.
    """
    device = _device(module)
    # Maps ask thousands of times, and each look at all parts of a network takes a millisecond.
    there = next(module.parameters(), None)
    if module.training or there is None or there.device != device:
        module.to(device).eval()
    with torch.inference_mode(), _precision(module, device):
        asked = module.each if each and isinstance(module, FoldEnsemble) else module
        probabilities: NDArray[Any] = asked(_sent(reflectance, device)).cpu().numpy()
    return probabilities


def _device(module: nn.Module) -> torch.device:
    """CUDA, or Apple's MPS for networks (it has no float64, in which tables and blends are computed), or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    on_mps = torch.backends.mps.is_available() and isinstance(module, FoldEnsemble)
    return torch.device("mps" if on_mps else "cpu")


def _precision(module: nn.Module, device: torch.device) -> AbstractContextManager[object]:
    """Let networks compute in bfloat16 on a GPU that has it.

    A CPU without matrix units is slower in it (``docs/benchmarks.md``).
    """
    halves = device.type == "cuda" and torch.cuda.is_bf16_supported() and isinstance(module, FoldEnsemble)
    return torch.autocast(device.type, torch.bfloat16, enabled=halves)


def _sent(numbers: NDArray[Any], device: torch.device) -> Tensor:
    """Send numbers to a device; from pinned memory, a GPU fetches them while it computes."""
    held = torch.from_numpy(numbers)
    return held.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else held.to(device)
