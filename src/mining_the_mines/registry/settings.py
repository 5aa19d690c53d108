"""What a registered model is called, and what it takes to become the champion."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.scoring.bootstrap import BootstrapSettings

#: Figures that a model can win by; all are better when they are larger.
PromotionMetric = Literal["roc_auc", "average_precision", "f1", "balanced_accuracy", "iou", "boundary_f1"]


class RegistrationSettings(BaseModel):
    """How a model is registered, and when it takes the champion's place.

    A margin alone could be won by luck, and certainty alone by a hair: a challenger must win by both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, pattern=r"^[^/:]+$", description="Name in the registry.")
    metric: PromotionMetric = Field(description="Figure on the test split that decides.")
    margin: float = Field(0.005, ge=0, le=1, description="Least difference to the champion that counts as a win.")
    confidence: float = Field(
        0.95, gt=0, lt=1, description="Level of the paired difference's interval, which must lie above 0."
    )
    resamples: int = Field(1000, ge=20, description="Resamples of places that the interval is drawn from.")
    seed: int = Field(0, ge=0, description="Of the resamples.")
    minimum_chips: int = Field(
        20,
        ge=1,
        description="With fewer test chips that the champion was not trained on, nothing is decided; a first champion "
        "takes as many.",
    )
    minimum_places: int = Field(5, ge=2, description="With fewer places of such chips, nothing is decided.")
    pixel: float = Field(10.0, gt=0, description="Metres that a pixel of the chips measures; masks tell it themselves.")

    @property
    def bootstrap(self) -> BootstrapSettings:
        """How intervals of the decision are drawn."""
        return BootstrapSettings(resamples=self.resamples, level=self.confidence, seed=self.seed)
