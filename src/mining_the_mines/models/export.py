"""Complete models as programs of torch.export, for processes that do not have this package.

A folder holds ``model.pt2`` (the program, its weights and, once more, the description), ``novelty.pt2`` (the program
that scores how far chips lie from the training chips) and ``description.json``. None holds a pickle.
"""

import copy
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mining_the_mines.models.complete import MineClassifier, MineSegmenter
from mining_the_mines.models.description import (
    DESCRIPTION,
    NOVELTY,
    PIXEL_METRES,
    PROGRAM,
    ModelDescription,
    describe,
)
from mining_the_mines.models.novelty_program import NoveltyProgram


class _Double(nn.Module):
    """A classifier's module with float64 probabilities, whichever model was chosen."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, reflectance: Tensor) -> Tensor:
        probability: Tensor = self.module(reflectance).double()
        return probability


def export_model(
    model: MineClassifier | MineSegmenter, folder: Path, pixel_metres: float = PIXEL_METRES
) -> ModelDescription:
    """Write a model as one program; models that the chosen one does not need are left out.

    A classifier's program takes reflectance float32 ``(B, C, H, W)`` and returns float64 ``(B,)``; a segmenter's
    returns float32 ``(B, H, W)``. The program of novelty takes the same and returns float64 ``(B,)``. The batch may
    have any size; C, H and W are those of the training chips: attention windows are laid out for one size, and networks
    see windows of that size when they map a scene.

    Args:
        model: The complete model; it is not changed.
        folder: An existing folder.
        pixel_metres: Edge of the chips' pixels on the ground.

    Returns:
        The description that was written beside the program, see :func:`describe`.
    """
    description = describe(model, pixel_metres)
    module = _Double(model.module) if isinstance(model, MineClassifier) else model.module
    _write(module, description, folder / PROGRAM)
    if model.novelty is not None:
        _write(NoveltyProgram(model.novelty, description.chip_size), description, folder / NOVELTY)
    (folder / DESCRIPTION).write_text(description.model_dump_json(indent=2), encoding="utf-8")
    return description


def _write(program: nn.Module, description: ModelDescription, path: Path) -> None:
    exported = _trace(program, description)
    text = description.model_dump_json(indent=2)
    with warnings.catch_warnings():
        # Of parts of a tensor without the whole (torch/export/pt2_archive/_package_weights.py): harmless on a CPU.
        warnings.filterwarnings("ignore", message="No complete tensor found")
        torch.export.save(exported, path, extra_files={DESCRIPTION: text})


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
