"""Fold ensembles: means, symmetries, decisions, export."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from support.networks import random_chips, small_ensemble, small_spec


def test_the_ensemble_gives_the_mean_of_its_members() -> None:
    ensemble, chips = small_ensemble(3), random_chips()
    mean = torch.stack([member(chips) for member in ensemble.members]).mean(dim=0)
    torch.testing.assert_close(ensemble(chips), mean)


@settings(max_examples=8, deadline=None)
@given(turns=st.integers(0, 3), mirrored=st.booleans())
def test_turning_and_mirroring_a_chip_changes_nothing(turns: int, mirrored: bool) -> None:
    ensemble, chips = small_ensemble(1, "dihedral"), random_chips()
    turned = torch.rot90(chips, turns, dims=(-2, -1))
    turned = turned.flip(-1) if mirrored else turned
    torch.testing.assert_close(ensemble(turned), ensemble(chips), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("axis", [-2, -1])
def test_flips_alone_make_mirroring_harmless(axis: int) -> None:
    ensemble, chips = small_ensemble(1, "flips"), random_chips()
    torch.testing.assert_close(ensemble(chips.flip(axis)), ensemble(chips), rtol=1e-4, atol=1e-6)


def test_without_symmetries_an_orientation_counts() -> None:
    ensemble, chips = small_ensemble(1), random_chips()
    assert not torch.allclose(ensemble(chips.flip(-1)), ensemble(chips), atol=1e-6)


def test_an_exported_ensemble_takes_batches_of_any_size_and_says_the_same() -> None:
    ensemble = small_ensemble(2, "dihedral", spec=small_spec(indices=("NDVI", "EVI", "BI")))
    sizes = ({0: torch.export.Dim("batch")},)
    exported = torch.export.export(ensemble, (random_chips(2, size=40),), dynamic_shapes=sizes).module()
    chips = random_chips(5, size=40, seed=1)
    chips[0, :, 3] = float("nan")
    for batch in (chips, chips[:1]):
        torch.testing.assert_close(exported(batch), ensemble(batch), rtol=1e-4, atol=1e-6)
