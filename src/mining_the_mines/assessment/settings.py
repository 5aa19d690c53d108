"""Parameters of sampling and of estimation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: Ground that a stratum is made of, from the likeliest mine on.
GROUND = ("mine", "near_mine", "rest", "low_probability")
Ground = Literal["mine", "near_mine", "rest", "low_probability"]
Crossing = Literal["region", "confidence", "unit"]


class StrataSettings(BaseModel):
    """Division of the maps into strata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    near_metres: float = Field(
        200.0,
        ge=0,
        description="Ground up to so many metres from a mapped mine is a stratum of its own: omissions lie there.",
    )
    low_probability: float = Field(
        0.05, ge=0, le=1, description="Ground far from every mapped mine whose probability is lower is a stratum."
    )
    by: tuple[Crossing, ...] = Field(
        (),
        description="Strata are divided further by region, by the confidence of mapped mines, or by unit. Each period "
        "has strata of its own in any case. Other areas are estimated without strata of their own, less exactly.",
    )


class ExpectedShares(BaseModel):
    """Share of each stratum that is expected to be mine, which sizes are computed from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mine: float = Field(0.8, ge=0, le=1, description="Of the mapped mines.")
    near_mine: float = Field(0.1, ge=0, le=1, description="Of the ground near a mapped mine.")
    rest: float = Field(0.05, ge=0, le=1, description="Of the ground with some probability of mine.")
    low_probability: float = Field(0.001, ge=0, le=1, description="Of the ground with hardly any.")


class SamplingSettings(BaseModel):
    """A stratified random sample of the maps' pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    maps: Literal["scene_maps", "monitored_maps"] = Field(
        "scene_maps", description="Maps to sample: those of mapping, or those of monitoring, a sample for each period."
    )
    strata: StrataSettings = Field(StrataSettings(), description="Division of the maps into strata.")
    places: int | None = Field(None, ge=2, description="Number of places of a period; null to compute it.")
    standard_error: float | None = Field(
        None, gt=0, lt=1, description="Wanted standard error of the share of ground that is mine; null for the next."
    )
    coefficient_of_variation: float = Field(
        0.1, gt=0, description="Wanted standard error of the area of mines as a share of that area."
    )
    expected: ExpectedShares = Field(ExpectedShares(), description="Expected shares of mine by stratum.")
    allocation: Literal["neyman", "proportional", "equal"] = Field(
        "neyman",
        description="How places are shared among strata: for the smallest standard error, by area, or evenly.",
    )
    stated: dict[Ground, int] = Field(
        {}, description="Places of strata by name, which replace the computed ones; strata that are divided share them."
    )
    minimum: int = Field(50, ge=2, description="Fewest places of a stratum that has so many pixels.")
    maximum: int = Field(
        1000, ge=2, description="Most places of a period that are computed from a wanted standard error."
    )
    seed: int = Field(1, ge=0, description="Seed of the drawing. A larger sample of the same seed holds the smaller.")

    @property
    def most(self) -> int:
        """Most places that a stratum may get."""
        return max(self.maximum, self.minimum, self.places or 0, *self.stated.values())


class AreaSettings(BaseModel):
    """Estimation of areas from answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: Literal["review", "simulated_truth"] | None = Field(
        None,
        description="Answers that count: those of reviewers, or those of the simulation. Null for the simulation's "
        "where the ground is simulated, and reviewers' elsewhere.",
    )
    several_reviewers: Literal["majority", "unanimous", "any_mine"] = Field(
        "majority",
        description="Answer of a place with several reviewers: of most of those who can tell, of all of them, or mine "
        "if one says so. Where they are even, or not all of one mind under unanimous, nobody can tell.",
    )
    cannot_tell: Literal["leave_out", "mine", "no_mine"] = Field(
        "leave_out",
        description="Places where nobody can tell: left out, as if they were like the others of their stratum, or "
        "counted as mine or as no mine. Both bounds are reported in any case.",
    )
