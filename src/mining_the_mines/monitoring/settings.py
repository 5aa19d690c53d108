"""Parameters of sites and of their confirmation."""

from pydantic import BaseModel, ConfigDict, Field


class SiteSettings(BaseModel):
    """How mines of several periods become sites, and when a site counts as changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    join_metres: float = Field(
        20.0,
        ge=0,
        description="Mines no farther apart than this, in one period or in several, are one site: two pixels of 10 m, "
        "since the edge of a map is no more exact than a pixel on either side.",
    )
    minimum_clear_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A site is not seen in a period in which less than this share of its ground has data.",
    )
    tolerance_hectares: float = Field(
        0.3,
        ge=0,
        description="A site has grown or shrunk only if it changed by more hectares than this.",
    )
    tolerance_share: float = Field(
        0.25,
        ge=0,
        description="A site has grown or shrunk only if it changed by more than this share of its hectares; 96 % of "
        "the maps of unchanged mines differ by less.",
    )
    absent_probability: float = Field(
        0.15,
        gt=0,
        le=1,
        description="A period counts as a look without a mine, after which it began, only if the mean probability in "
        "the later outline was below this: a mine that opened may be too small or too faint to be mapped.",
    )


class ConfirmationSettings(BaseModel):
    """When a site counts as new, and when as a mine beyond doubt, for which each reason suffices.

    The defaults come from ``benchmarks/monitoring_rule.py``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    looks: int = Field(
        2,
        ge=2,
        description="A site is confirmed when it was mapped in so many periods (second_look), if its mean probability "
        "in the last of them reaches second_look_probability.",
    )
    waiting_hectares: float = Field(
        0.8,
        ge=0,
        description="A new site of fewer hectares is a candidate: it counts as new only when it was mapped in so many "
        "periods (looks). Most false new sites are small.",
    )
    waiting_probability: float = Field(
        0.7,
        ge=0,
        le=1,
        description="A new site whose mean probability is below this is a candidate, too.",
    )
    activity_metres: float = Field(
        0.0,
        ge=0,
        description="A site within so many metres of another one that counted in an earlier period need not wait; 0 "
        "makes all wait. Known activity nearby lets more false sites through than true ones on the regions to tune on.",
    )
    second_look_probability: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Mean probability that a second look needs: what deceives a model once does it again.",
    )
    probability: float = Field(
        0.9,
        ge=0,
        le=1,
        description="A site is confirmed when its mean probability in a period reaches this, even if it stands alone.",
    )
    neighbour_metres: float = Field(
        1000.0,
        ge=0,
        description="A confirmed site within so many metres is a neighbour: mines open beside mines.",
    )
    neighbour_probability: float = Field(
        0.8,
        ge=0,
        le=1,
        description="A site with a neighbour is confirmed when its mean probability in a period reaches this.",
    )
    added_per_doubling: float = Field(
        0.25,
        ge=0,
        description="Log-odds that are added to all three probabilities each time that the number of periods in which "
        "the ground was seen doubles: each map of a series has its own false mines.",
    )
