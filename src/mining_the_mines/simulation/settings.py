"""What to simulate, as one immutable set of parameters."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SimulationSettings(BaseModel):
    """Parameters of a simulated data set of labelled chips.

    The same settings give the same bytes; the number of threads at work plays no part.

    Attributes:
        chips: Labelled chips.
        unlabelled: Chips without label, cut from the same places, to try inference on.
        mine_share: Share of the labelled chips that show a mine. Mines are rare on the ground; a fifth
            is what the "Finding Mining Sites" competition hands out.
        size: Width and height of a chip in pixels of 10 m. A multiple of 32 suits every network.
        places: Regions, far apart, that the chips come from. Folds are grouped by place, so this is how
            many independent samples there are.
        seed: Seeds everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    chips: int = Field(default=300, ge=1)
    unlabelled: int = Field(default=24, ge=0)
    mine_share: float = Field(default=0.2, ge=0, le=1)
    size: int = Field(default=64, ge=16, le=512)
    places: int = Field(default=45, ge=1, le=400)
    seed: int = Field(default=20260, ge=0)

    @model_validator(mode="after")
    def _every_place_gives_a_chip(self) -> Self:
        if self.places > self.chips:
            raise ValueError(
                f"{self.places} places can't share {self.chips} chips; ask for at most as many places as chips."
            )
        return self

    @property
    def mine_chips(self) -> int:
        """Labelled chips that show a mine."""
        return round(self.chips * self.mine_share)
