"""What a run tells its tracking server, one entry a line of its journal."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, RootModel

#: How many figures, parameters or tags one request may hold; together no more than 1000 (MLflow's REST API, "Log
#: Batch").
MOST_METRICS: Final = 800
MOST_PARAMS: Final = 100
MOST_TAGS: Final = 100

#: The run itself, as opposed to one of its children.
ITSELF: Final = ""


class _Entry(BaseModel):
    # A loss may be no number, or infinite: JSON has no word for them, Python's and pydantic's readers do.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    child: str = Field(ITSELF, description="Key of the child run that it belongs to; empty for the run itself.")


class Started(_Entry):
    """A child run began."""

    kind: Literal["started"] = "started"
    name: str = Field(description="Its name.")
    time: int = Field(description="Milliseconds since 1970.")


class Tags(_Entry):
    """Tags were set."""

    kind: Literal["tags"] = "tags"
    values: dict[str, str] = Field(description="By name.")


class Params(_Entry):
    """Parameters were told."""

    kind: Literal["params"] = "params"
    values: dict[str, str] = Field(description="By name.")


class Metrics(_Entry):
    """Figures were told, all at one step."""

    kind: Literal["metrics"] = "metrics"
    values: dict[str, float] = Field(description="By name.")
    step: int = Field(description="Step, such as the number of the epoch.")
    time: int = Field(description="Milliseconds since 1970.")


class Artifact(_Entry):
    """A file or folder was handed over."""

    kind: Literal["artifact"] = "artifact"
    copy_at: str = Field(description="Where its copy lies, relative to the journal's folder.")
    folder: str = Field(description="Folder among the run's artifacts; empty for the topmost.")


class Ended(_Entry):
    """A run came to its end."""

    kind: Literal["ended"] = "ended"
    status: str = Field(description="MLflow's word for how: FINISHED, FAILED or KILLED.")
    time: int = Field(description="Milliseconds since 1970.")


Entry: TypeAlias = Started | Tags | Params | Metrics | Artifact | Ended


class _Line(RootModel[Annotated[Entry, Field(discriminator="kind")]]):
    """Any entry, told apart by its kind."""


def read_entry(line: bytes) -> Entry:
    """Read a line of a journal.

    Args:
        line: JSON.

    Returns:
        The entry.

    Raises:
        pydantic.ValidationError: It is none.
    """
    return _Line.model_validate_json(line).root
