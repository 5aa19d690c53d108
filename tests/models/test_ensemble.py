"""Fold ensembles: means, symmetries, decisions, export."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from support.networks import random_chips, small_ensemble, small_spec


@settings(max_examples=4, deadline=None)
@given(turns=st.integers(0, 3), mirrored=st.booleans())
def test_symmetries(turns: int, mirrored: bool) -> None:
    ensemble, chips = small_ensemble(1, "dihedral"), random_chips()
    turned = torch.rot90(chips, turns, dims=(-2, -1))
    turned = turned.flip(-1) if mirrored else turned
    torch.testing.assert_close(ensemble(turned), ensemble(chips), rtol=1e-4, atol=1e-6)


def test_exported_ensemble() -> None:
    ensemble = small_ensemble(2, "flips", spec=small_spec(indices=("NDVI", "BI")))
    sizes = ({0: torch.export.Dim("batch")},)
    exported = torch.export.export(ensemble, (random_chips(2, size=40),), dynamic_shapes=sizes).module()
    chips = random_chips(5, size=40, seed=1)
    chips[0, :, 3] = float("nan")
    for batch in (chips, chips[:1]):
        torch.testing.assert_close(exported(batch), ensemble(batch), rtol=1e-4, atol=1e-6)
