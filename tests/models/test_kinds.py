"""Models to train as parameters list them."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.models.kinds import ModelKinds
from mining_the_mines.models.logistic import LogisticRegression
from mining_the_mines.models.networks import ClassifierNetworks, ClassifierSpec
from mining_the_mines.models.trees import BoostedTrees

LINE = "mining_the_mines.models.logistic.LogisticRegression"
TREES = "mining_the_mines.models.trees.BoostedTrees"


def test_classes_and_parameters() -> None:
    stated = {
        "trees": {"class": TREES, "bag": 3},
        "line": {"class": "mining_the_mines.models.logistic.LogisticRegression"},
    }
    assert ModelKinds(stated).kinds == {"trees": BoostedTrees(bag=3), "line": LogisticRegression()}


def test_null() -> None:
    assert list(ModelKinds({"trees": {"class": TREES}, "line": None}).kinds) == ["trees"]


@pytest.mark.parametrize(
    ("name", "stated", "said"),
    [
        ("trees", {"class": TREES, "bags": 3}, "the model trees can't be used: there is no bags"),
        ("trees", {"bag": 3}, "needs the key class"),
        ("trees", {"class": "mining_the_mines.models.forests.Forest"}, "there is no class"),
        ("trees", {"class": "pathlib.Path"}, "no kind of model"),
        ("blend", {"class": TREES}, "can't be named 'blend'"),
        ("../trees", {"class": TREES}, "can't be named"),
    ],
)
def test_mistakes(name: str, stated: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ModelKinds({name: stated})


def test_result_parameters() -> None:
    network = {"class": "mining_the_mines.models.networks.ClassifierNetworks", "loader_workers": 3}
    told = result_parameters(ModelKinds({"trees": {"class": TREES}, "network": network}))
    assert told["trees"]["class_path"] == TREES
    assert "loader_workers" not in told["network"]


def test_no_torch() -> None:
    code = (
        "import sys; from mining_the_mines.models.kinds import ModelKinds;"
        "import mining_the_mines.datasets.models, mining_the_mines.pipelines.training;"
        "names = ('trees.BoostedTrees', 'logistic.LogisticRegression', 'networks.ClassifierNetworks');"
        "[ModelKinds({'m': {'class': 'mining_the_mines.models.' + name}}) for name in names];"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("networks", "from_weights"), [(3, [True, True, False]), (1, [True])])
def test_some_networks_start_at_random(networks: int, from_weights: list[bool]) -> None:
    kind = ClassifierNetworks(network=ClassifierSpec(pretrained="simulated"), networks=networks, from_scratch=1)
    assert [each.network.pretrained == "simulated" for each in kind.split()] == from_weights
