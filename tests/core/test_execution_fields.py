"""Parameters that results do not depend on."""

from pydantic import BaseModel, Field

from mining_the_mines.core.execution_fields import EXECUTION_ONLY, result_parameters
from mining_the_mines.models.networks import ClassifierNetworks


class _Inner(BaseModel):
    size: int = 3
    threads: int = Field(2, json_schema_extra=EXECUTION_ONLY)


class _Outer(BaseModel):
    inner: _Inner = _Inner()
    names: tuple[str, ...] = ("a",)


def test_nested_fields() -> None:
    assert result_parameters({"part": [_Outer()]}) == {"part": [{"inner": {"size": 3}, "names": ["a"]}]}


def test_training() -> None:
    settings = ClassifierNetworks()
    resumed, longer = (settings.model_copy(update=change) for change in ({"resume": True}, {"epochs": 99}))
    assert result_parameters(resumed) == result_parameters(settings) != result_parameters(longer)
