"""What surrounds a training."""

import logging

import pytest
from lightning_utilities.core import rank_zero

from mining_the_mines.models.fit import quieten_lightning


def test_lightning_greets_nobody_whichever_of_its_packages_was_imported_last() -> None:
    pytest.importorskip("pytorch_lightning")
    quieten_lightning()
    assert not rank_zero.log.isEnabledFor(logging.INFO)
    assert rank_zero.log.isEnabledFor(logging.WARNING)
