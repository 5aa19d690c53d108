"""Fold ensembles: means, symmetries, decisions, export."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from support.networks import random_chips, small_ensemble, small_spec


@settings(max_examples=4, deadline=None)
@given(turns=st.integers(0, 3), mirrored=st.booleans())
def test_turning_and_mirroring_a_chip_changes_nothing(turns: int, mirrored: bool) -> None:
    ensemble, chips = small_ensemble(1, "dihedral"), random_chips()
    turned = torch.rot90(chips, turns, dims=(-2, -1))
    turned = turned.flip(-1) if mirrored else turned
    torch.testing.assert_close(ensemble(turned), ensemble(chips), rtol=1e-4, atol=1e-6)


def test_an_exported_ensemble_takes_batches_of_any_size_and_says_the_same() -> None:
    ensemble = small_ensemble(2, "dihedral", spec=small_spec(indices=("NDVI", "EVI", "BI")))
    sizes = ({0: torch.export.Dim("batch")},)
    exported = torch.export.export(ensemble, (random_chips(2, size=40),), dynamic_shapes=sizes).module()
    chips = random_chips(5, size=40, seed=1)
    chips[0, :, 3] = float("nan")
    for batch in (chips, chips[:1]):
        torch.testing.assert_close(exported(batch), ensemble(batch), rtol=1e-4, atol=1e-6)
