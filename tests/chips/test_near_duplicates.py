"""Near duplicates are found, and different ground is told apart."""

import numpy as np
from scipy.ndimage import gaussian_filter

from mining_the_mines.chips.near_duplicates import cluster_near_duplicates, image_hash
from mining_the_mines.chips.quality import ChipSettings
from support.chip_files import BANDS

MAX_BITS = ChipSettings().near_duplicate_bits


def landscape(seed: int) -> np.ndarray:
    """Reflectance with patches, as ground has them."""
    noise = np.random.default_rng(seed).normal(size=(6, 64, 64))
    smooth = gaussian_filter(noise, (0.7, 4, 4))
    return np.asarray(np.clip(0.2 + 0.05 * smooth / smooth.std(), 0.01, 1), dtype=np.float32)


def clusters(*chips: np.ndarray) -> list[int]:
    return list(cluster_near_duplicates([image_hash(chip, BANDS) for chip in chips], MAX_BITS))


def test_other_light() -> None:
    chip = landscape(1)
    noisy = chip * 1.15 + 0.01 + np.random.default_rng(0).normal(0, 0.003, chip.shape).astype(np.float32)
    first, second = clusters(chip, noisy)
    assert first == second


def test_shift_by_a_pixel() -> None:
    chip = landscape(1)
    first, second = clusters(chip[:, :-1], chip[:, 1:])
    assert first == second


def test_other_ground() -> None:
    assert len(set(clusters(*[landscape(seed) for seed in range(20)]))) == 20


def test_chain_is_one_cluster() -> None:
    assert cluster_near_duplicates(["0" * 16, "0" * 15 + "f", "0" * 14 + "ff", "f" * 16], 4).tolist() == [0, 0, 0, 1]


def test_gaps_and_flat_chips() -> None:
    chip = landscape(1)
    chip[:, :20] = np.nan
    assert len(image_hash(chip, BANDS)) == 48
    assert len(image_hash(np.full((6, 8, 8), np.nan, np.float32), BANDS)) == 48
