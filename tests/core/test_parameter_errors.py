"""Messages about wrong parameters."""

from typing import Any

import pytest
from kedro.pipeline import node, pipeline
from kedro.validation import ParameterValidationError
from kedro.validation.parameter_validator import ParameterValidator
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mining_the_mines.core.parameter_errors import describe_parameter_errors, describe_settings_errors


class Depths(BaseModel):
    """Parameters of a part."""

    model_config = ConfigDict(extra="forbid")

    least: int = Field(1, ge=1)


class Settings(BaseModel):
    """Parameters with all that can go wrong."""

    model_config = ConfigDict(extra="forbid")

    share: float = Field(0.1, lt=1)
    password: int = 0
    depths: Depths = Depths()

    @model_validator(mode="after")
    def _possible(self) -> "Settings":
        if self.share < 0:
            raise ValueError("A share below 0 leaves nothing: give one between 0 and 1.")
        return self


def use(settings: Settings) -> None:
    """A node whose parameters Kedro checks."""


def told(**given: Any) -> str:
    """What is said of such parameters."""
    validator = ParameterValidator({"one": pipeline([node(use, "params:part", None, name="use")])})
    with pytest.raises(ParameterValidationError) as caught:
        validator.validate_raw_params({"part": given})
    return describe_parameter_errors(str(caught.value))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"share": 3}, "parameter part.share is 3: input should be less than 1"),
        ({"depths": {"least": 0}}, "parameter part.depths.least is 0: input should be greater than or equal to 1"),
        ({"shore": 0.5}, "there is no parameter part.shore"),
        ({"share": -1}, "parameter part: A share below 0 leaves nothing: give one between 0 and 1"),
    ],
    ids=["too large", "nested", "unknown", "a rule of our own"],
)
def test_wrong_parameter(given: dict[str, Any], said: str) -> None:
    assert told(**given) == f"{said}. (docs/parameters.md explains all parameters.)"


def test_several_wrong_parameters() -> None:
    said = told(share=3, shore=0.5)
    assert "part.share is 3" in said
    assert "no parameter part.shore" in said
    assert "\n" not in said
    assert "pydantic" not in said


@pytest.mark.parametrize(
    "given",
    [{"token": "hunter2"}, {"password": "hunter2"}, {"depths": ["hunter2"]}, {"share": "https://me:hunter2@x/"}],
)
def test_secrets(given: dict[str, Any]) -> None:
    assert "hunter2" not in told(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": "hunter2"}, "part can't be used: there is no token."),
        ({"share": "hunter2"}, "part can't be used: share: Input should be a valid number, unable to parse"),
        ({"depths": {"hidden": "hunter2"}}, "part can't be used: there is no depths.hidden."),
        ({"share": -1, "password": "3"}, "part can't be used: A share below 0 leaves nothing: give one between 0"),
    ],
)
def test_wrong_settings(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given)
    told = describe_settings_errors(caught.value, "part")
    assert told.startswith(said)
    assert "hunter2" not in told
    assert "\n" not in told
