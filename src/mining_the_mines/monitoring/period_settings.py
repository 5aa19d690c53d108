"""Parameters of periods and of the scenes that each of them is mapped from."""

import re
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mining_the_mines.core.days import Day
from mining_the_mines.monitoring.periods import Period, check_order

#: Periods name folders, and parts of ids.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_FREQUENCY: Final = {"years": "Y", "quarters": "Q"}


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _names_a_folder(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} names no period: take letters, digits, - and _ only, such as 2024-Q3")
    return name


#: Name of a period; YAML reads 2024 as a number.
PeriodName = Annotated[str, BeforeValidator(_as_text), AfterValidator(_names_a_folder)]


class DateRange(BaseModel):
    """A period as a person defines it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: PeriodName = Field(description="Name of the period, and of its folders: letters, digits, - and _.")
    start: Day = Field(description="First day.")
    end: Day = Field(description="Last day, which belongs to the period.")


class PeriodSettings(BaseModel):
    """Periods of a series of maps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calendar: Literal["years", "quarters"] = Field(
        "years",
        description="Length of the periods. Quarters show new mines earlier, and have fewer clear dates and another "
        "season each.",
    )
    start: Day | None = Field(None, description="First day of the series; the first period begins there.")
    end: Day | None = Field(None, description="Last day of the series; the last period ends there.")
    ranges: tuple[DateRange, ...] = Field(
        (),
        description="Periods of one's own from the earliest to the latest, each with name, start and end, such as dry "
        "seasons; calendar, start and end don't count then.",
    )

    @property
    def periods(self) -> tuple[Period, ...]:
        """The periods in order of time."""
        if self.ranges:
            return tuple(Period(each.name, each.start, each.end) for each in self.ranges)
        if self.start is None or self.end is None:
            return ()
        parts = pd.period_range(self.start, self.end, freq=_FREQUENCY[self.calendar])
        return tuple(
            Period(
                str(part).replace("Q", "-Q"),
                max(self.start, part.start_time.date()),
                min(self.end, (part.end_time - timedelta(hours=1)).date()),
            )
            for part in parts
        )

    @model_validator(mode="after")
    def _make_a_series(self) -> Self:
        if not self.ranges and (self.start is None or self.end is None):
            raise ValueError("start and end are needed, the first and the last day of the series, or ranges")
        if not self.ranges and self.start and self.end and self.start > self.end:
            raise ValueError(f"start ({self.start}) is after end ({self.end}): exchange them")
        check_order(self.periods)
        return self


class PeriodSceneSettings(BaseModel):
    """Scenes that the maps of a series are made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: tuple[str, ...] | None = Field(
        None,
        description="Names of the regions to watch; null for those that are kept for testing, or all if the archive "
        "has none of them.",
    )
    paths: dict[PeriodName, str] = Field(
        {},
        description="Rasters or composites of one's own by period, instead of scenes of the archive: each a raster, "
        "or a folder of rasters that are named after their regions. A period without one is not seen.",
    )
    search_again: bool | tuple[PeriodName, ...] = Field(
        False,
        description="Periods whose scenes are searched anew, or true for all of them. The scenes of a past period are "
        "kept otherwise, so that an archive that changes does not change an old map.",
    )
    other_models: Literal["remap", "keep"] = Field(
        "remap",
        description="remap makes the maps of all periods again when the model has changed; keep compares maps of "
        "different models, with a warning, and maps new periods only.",
    )
