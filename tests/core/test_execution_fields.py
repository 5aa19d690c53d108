"""Parameters that results do not depend on."""

from pydantic import BaseModel, Field

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.execution_fields import EXECUTION_ONLY, result_parameters
from mining_the_mines.models.settings import ClassifierTrainingSettings


class _Inner(BaseModel):
    size: int = 3
    threads: int = Field(2, json_schema_extra=EXECUTION_ONLY)


class _Outer(BaseModel):
    inner: _Inner = _Inner()
    names: tuple[str, ...] = ("a",)


def test_nested_fields() -> None:
    assert result_parameters({"part": [_Outer()]}) == {"part": [{"inner": {"size": 3}, "names": ["a"]}]}


def test_resumed_training() -> None:
    settings = ClassifierTrainingSettings()
    assert result_parameters(settings.model_copy(update={"resume": True})) == result_parameters(settings)


def test_longer_training() -> None:
    settings = ClassifierTrainingSettings()
    assert result_parameters(settings.model_copy(update={"epochs": 99})) != result_parameters(settings)


def test_dask_settings() -> None:
    assert (
        result_parameters(DaskSettings(workers=7)) == result_parameters(DaskSettings(address="tcp://host:8786")) == {}
    )
