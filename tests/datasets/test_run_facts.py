"""What a run says of itself."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from mining_the_mines.datasets.run_facts import RunFactsDataset


def test_run_facts(tmp_path: Path) -> None:
    dataset = RunFactsDataset(project=str(tmp_path))
    facts = dataset.load()
    assert facts["MLflow run"] == "not tracked"
    assert facts["torch"]
    with pytest.raises(DatasetError, match="only be read"):
        dataset.save("anything")  # type: ignore[arg-type]
