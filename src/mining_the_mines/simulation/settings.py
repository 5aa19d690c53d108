"""Parameters of the simulated archive."""

from datetime import date
from itertools import pairwise
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mining_the_mines.simulation.places import PROVINCES

#: Days from one pass to the next, with both satellites.
REVISIT_DAYS: Final = 5
#: Edge in pixels of a field of the board that a region is laid out on, and about that of the chips cut from it.
FIELD: Final = 64


class SeriesSettings(BaseModel):
    """Parameters of a simulated series of Sentinel-2 scenes.

    The same settings give the same bytes; the number of threads at work plays no part. A region comes out the same
    whatever other regions are asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provinces: tuple[str, ...] = Field(
        default=("tapajos", "copperbelt", "guiana_shield", "madre_de_dios"),
        min_length=1,
        description="Mining provinces, names of mining_the_mines.simulation.places; each is one region.",
    )
    pixels: int = Field(
        default=576, ge=60, le=4098, multiple_of=6, description="Edge of a region in pixels of 10 m; a multiple of 6."
    )
    mines: int = Field(default=15, ge=0, description="Number of mines in a region.")
    dates: int = Field(default=10, ge=1, description="Number of dates on which each region is seen.")
    start: date = Field(default=date(2021, 9, 1), description="First day of the season.")
    end: date = Field(
        default=date(2022, 6, 30),
        description="Last day of the season; processing baseline 04.00 with its offset came on 2022-01-25.",
    )
    cloudiness: float = Field(
        default=0.3,
        ge=0,
        le=0.75,
        description="Mean share of a scene under clouds, 0 to 1; single dates have 0 to 0.9.",
    )
    seed: int = Field(default=20260, ge=0, description="Seed of all random numbers.")

    @field_validator("provinces")
    @classmethod
    def _provinces_are_known(cls, provinces: tuple[str, ...]) -> tuple[str, ...]:
        known = [province.name for province in PROVINCES]
        unknown = [name for name in provinces if name not in known]
        if unknown:
            raise ValueError(f"There is no province {unknown[0]!r} to simulate; choose among {', '.join(known)}.")
        if len(set(provinces)) < len(provinces):
            raise ValueError("A province is named twice; a province gives one region.")
        return provinces

    @model_validator(mode="after")
    def _all_fits(self) -> Self:
        passes = (self.end - self.start).days // REVISIT_DAYS + 1
        if self.dates > passes:
            raise ValueError(
                f"Sentinel-2 passes {max(passes, 0)} times between {self.start} and {self.end}, not {self.dates} "
                f"times; ask for fewer dates or a longer season."
            )
        if self.mines > self.slots**2:
            raise ValueError(
                f"{self.mines} mines don't fit into a region of {self.pixels} pixels; {self.slots**2} do: ask for "
                f"fewer mines or more pixels."
            )
        return self

    @property
    def slots(self) -> int:
        """A region is laid out on a board of slots × slots fields."""
        return max(round(self.pixels / FIELD), 1)


class Season(BaseModel):
    """A stretch of days with several dates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: date = Field(description="First day.")
    end: date = Field(description="Last day.")


class ChangingSeriesSettings(BaseModel):
    """Parameters of a simulated series of regions whose ground changes: mines open, grow and fall idle.

    The same settings give the same bytes. A region comes out the same whatever other regions are asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provinces: tuple[str, ...] = Field(
        default=("carajas", "kalimantan"),
        min_length=1,
        description="Mining provinces, names of mining_the_mines.simulation.places; each is one region.",
    )
    pixels: int = Field(
        default=576, ge=60, le=4098, multiple_of=6, description="Edge of a region in pixels of 10 m; a multiple of 6."
    )
    old_mines: int = Field(
        default=6, ge=0, description="Mines of a region that are older than the series; about a third fall idle."
    )
    new_mines: int = Field(
        default=15,
        ge=0,
        description="Mines of a region that open after the first season, spread evenly until early in the last one.",
    )
    changes: int = Field(
        default=24,
        ge=0,
        description="Fields of a region that change without a mine: crops, fires, clearings, reservoirs and so on.",
    )
    seasons: tuple[Season, ...] = Field(
        default=tuple(Season(start=date(year, 6, 1), end=date(year, 10, 31)) for year in range(2019, 2023)),
        min_length=1,
        description="Seasons in which the regions are seen, in order of time.",
    )
    dates: int = Field(default=5, ge=1, description="Number of dates of a season on which each region is seen.")
    cloudiness: float = Field(
        default=0.3,
        ge=0,
        le=0.75,
        description="Mean share of a scene under clouds, 0 to 1; single dates have 0 to 0.9.",
    )
    seed: int = Field(default=20260, ge=0, description="Seed of all random numbers.")

    @model_validator(mode="after")
    def _all_fits(self) -> Self:
        for earlier, later in pairwise(self.seasons):
            if later.start <= earlier.end:
                raise ValueError(
                    f"The season that starts on {later.start} does so before the one before it ends on {earlier.end}; "
                    f"list seasons in order of time."
                )
        self.static_series()
        fields = self.old_mines + self.new_mines + self.changes
        if fields > self.slots**2:
            raise ValueError(
                f"{self.old_mines + self.new_mines} mines and {self.changes} changes don't fit into a region of "
                f"{self.pixels} pixels, which has {self.slots**2} fields; ask for fewer, or for more pixels."
            )
        return self

    def static_series(self) -> tuple[SeriesSettings, ...]:
        """Settings of each season alone."""
        return tuple(
            SeriesSettings(
                provinces=self.provinces,
                pixels=self.pixels,
                mines=0,
                dates=self.dates,
                start=season.start,
                end=season.end,
                cloudiness=self.cloudiness,
                seed=self.seed,
            )
            for season in self.seasons
        )

    @property
    def slots(self) -> int:
        """A region is laid out on a board of slots × slots fields."""
        return max(round(self.pixels / FIELD), 1)
