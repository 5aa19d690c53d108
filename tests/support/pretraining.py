"""A pretraining that takes seconds."""

from typing import Any

from mining_the_mines.pretraining.settings import PretrainingSettings

QUICK: dict[str, Any] = {
    "architecture": "test_maxvit",
    "indices": ["NDVI", "MNDWI"],
    "decoder_channels": [8, 8, 8, 8, 8],
    "regions": {"pixels": 120, "mines": [1, 3]},
    "windows": {"size": 32, "per_region": 6, "mixed": 2},
    "regions_per_epoch": 4,
    "watched_regions": 2,
    "batch_size": 4,
    "epochs": 3,
    "accelerator": "cpu",
    "loader_workers": 0,
}


def quick_settings(**given: Any) -> PretrainingSettings:
    """Settings of a tiny network on small regions."""
    return PretrainingSettings.model_validate({**QUICK, **given})
