"""Encoders of this project with random weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import timm
import torch

from mining_the_mines.models.encoder import MISSING, Encoder, EncoderDescription, save_encoder
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS

#: A MaxViT of three stages and a few channels for 32 × 32 pixels.
SMALL_MAXVIT: Final[Mapping[str, Any]] = {
    "embed_dim": [8, 8, 16], "depths": [1, 1, 1], "block_type": ["M", "M", "M"], "stem_width": 8,
    "transformer_dim_head": 8, "transformer_window_size": [2, 2], "transformer_grid_size": [2, 2],
}  # fmt: skip
ENCODER_INDICES: Final = ("NDVI", "NBR", "BI")


def make_encoder(
    architecture: str = "maxvit_pico_rw_256",
    overrides: Mapping[str, Any] = SMALL_MAXVIT,
    indices: tuple[str, ...] = ENCODER_INDICES,
) -> Encoder:
    """An encoder of all twelve bands."""
    bands = COMPETITION_BANDS
    channels = len(bands) + len(indices)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = timm.create_model(architecture, in_chans=channels, num_classes=0, **overrides)
        weights: dict[str, torch.Tensor] = network.state_dict()
        for name, tensor in weights.items():  # statistics as training leaves them
            if name.endswith("running_mean"):
                tensor.normal_(std=0.1)
        stem = next(tensor for tensor in weights.values() if tensor.ndim == 4)
        weights[MISSING] = torch.randn(channels, len(stem))
    description = EncoderDescription(
        name="tiny",
        architecture=architecture,
        overrides=dict(overrides),
        bands=bands,
        low=tuple(0.02 + 0.001 * number for number in range(len(bands))),
        high=tuple(0.3 + 0.01 * number for number in range(len(bands))),
        indices=indices,
        licence="Apache-2.0",
        training={"regions": 0},
    )
    return Encoder(description, weights)


def write_encoder(path: Path, **options: Any) -> Encoder:
    """Save such an encoder."""
    encoder = make_encoder(**options)
    save_encoder(encoder, path)
    return encoder
