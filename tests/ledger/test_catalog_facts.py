"""Facts about datasets in the catalog's metadata."""

import pytest
from kedro.io import MemoryDataset

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.ledger.catalog_facts import DatasetFacts, facts_of, read_facts


def test_facts_are_read_from_a_dataset() -> None:
    dataset = MemoryDataset(metadata={"kedro-viz": {"layer": "raw"}, "mining_the_mines": {"networks": True}})
    assert facts_of("network", dataset) == DatasetFacts(networks=True)


@pytest.mark.parametrize("metadata", [None, {}, {"kedro-viz": {"layer": "raw"}}])
def test_defaults_without_metadata(metadata: object) -> None:
    assert read_facts("folds", metadata) == DatasetFacts()


@pytest.mark.parametrize("wrong", [{"artefact": True}, {"volatile": "yes"}, {"holds": "cheese"}])
def test_wrong_key_names_the_dataset(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match=r"metadata\.mining_the_mines of dataset folds can't be used: "):
        read_facts("folds", {"mining_the_mines": wrong})
