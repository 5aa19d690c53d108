"""Promotion: a challenger becomes the champion only if it wins on the same test chips, by a margin and beyond doubt.

Both models are scored on the same resamples of places (:mod:`mining_the_mines.scoring.bootstrap`), so that difficult
chips count alike for both. A model that is not shown to be better stays the challenger.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.registry.package import StoredPackage
from mining_the_mines.scoring.bootstrap import (
    BootstrapSettings,
    Interval,
    Scorer,
    bootstrap_intervals,
    paired_difference,
)
from mining_the_mines.scoring.metrics import LOWER_IS_BETTER, METRICS
from mining_the_mines.scoring.segmentation import SEGMENTATION_SHARES

if TYPE_CHECKING:
    from mining_the_mines.models.predictor import Predictor

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
#: Counts of a decision.
COUNTS: Final = ("chips", "places", "left_out", "one_sided_pixels")

Outcome = Literal["champion", "challenger"]
#: Metrics that a classifier or a segmenter can win by; all are better when they are larger.
PROMOTION_METRICS: Final = tuple(
    dict.fromkeys([*(name for name in METRICS if name not in LOWER_IS_BETTER), *SEGMENTATION_SHARES])
)


def _check_metric(name: str) -> str:
    if name not in PROMOTION_METRICS:
        raise ValueError(f"No model can win by the metric {name}: name one of {', '.join(PROMOTION_METRICS)}.")
    return name


#: Name of one of :data:`PROMOTION_METRICS`, as a type of parameters.
PromotionMetric = Annotated[str, AfterValidator(_check_metric)]


class RegistrationSettings(BaseModel):
    """How a model is registered, and when it becomes the champion.

    A margin alone could be won by luck, and certainty alone by a hair: a challenger must win by both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, pattern=r"^[^/:]+$", description="Name of the model in the registry.")
    metric: PromotionMetric = Field(
        description=f"Metric on the test split that decides: one of {', '.join(PROMOTION_METRICS)}."
    )
    margin: float = Field(0.005, ge=0, le=1, description="Smallest difference to the champion that counts as a win.")
    confidence: float = Field(
        0.95, gt=0, lt=1, description="Level of the paired difference's interval, which must lie above 0."
    )
    resamples: int = Field(1000, ge=20, description="Bootstrap resamples of places for that interval.")
    seed: int = Field(0, ge=0, description="Seed of the resamples.")
    minimum_chips: int = Field(
        20,
        ge=1,
        description="Fewest test chips, unseen by the champion, on which a decision is made; a first champion needs as "
        "many.",
    )
    minimum_places: int = Field(5, ge=2, description="Fewest places of these chips.")
    pixel: float = Field(
        10.0,
        gt=0,
        description="Edge of the chips' pixels in metres, for models without masks, which tell it themselves.",
    )

    @property
    def bootstrap(self) -> BootstrapSettings:
        """How intervals of the decision are drawn."""
        return BootstrapSettings(resamples=self.resamples, level=self.confidence, seed=self.seed)


@dataclass(frozen=True)
class Champion:
    """The model in use.

    Attributes:
        version: Its version in the registry.
        content_hash: See :attr:`mining_the_mines.registry.package.StoredPackage.content_hash`.
        model: The complete model.
        training_chips: Its training chips, see :func:`mining_the_mines.registry.training_data.hash_chips`.
    """

    version: str
    content_hash: str
    model: "Predictor"
    training_chips: pd.DataFrame


@dataclass(frozen=True)
class RegistryView:
    """The registry's knowledge of a model's name.

    Attributes:
        name: The name.
        champion: The version in use, if there is one.
        obstacle: Why the champion can't be compared with, in one sentence; empty if nothing stands in the way.
    """

    name: str
    champion: Champion | None = None
    obstacle: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether a model becomes the champion, with the figures that decided.

    Attributes:
        outcome: The alias that the model gets.
        reason: Why, in one sentence.
        metric: The metric that decided.
        margin: Smallest difference that would have counted.
        confidence: Level of all intervals.
        resamples: Resamples that they were drawn from.
        chips: Test chips that both models were scored on.
        places: Places of these chips.
        left_out: Test chips that the champion was trained on, and that no figure counts.
        one_sided_pixels: Pixels that only one of the two segmenters has judged, and that no figure counts.
        champion_version: Version that it was compared with; empty if there was none.
        challenger: Figure of the new model; ``None`` where nothing was scored.
        champion: Figure of the champion on the same chips.
        difference: Challenger minus champion.
    """

    outcome: Outcome
    reason: str
    metric: str
    margin: float
    confidence: float
    resamples: int
    chips: int = 0
    places: int = 0
    left_out: int = 0
    one_sided_pixels: int = 0
    champion_version: str = ""
    challenger: Interval | None = None
    champion: Interval | None = None
    difference: Interval | None = None

    def record(self) -> dict[str, Any]:
        """Return the decision as JSON values: intervals as mappings, undefined figures as ``None``."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True)
class PromotionCase:
    """Two models on the same test chips.

    Attributes:
        challenger: Scores the new model.
        places: Place of each chip, (N,).
        champion: Scores the one in use, on the same chips in the same order; ``None`` if there is none.
        version: Version of the one in use.
        left_out: Test chips that the one in use was trained on; they are not among the N.
        one_sided_pixels: Pixels that only one of the two segmenters has judged; neither is scored on them.
    """

    challenger: Scorer
    places: ArrayLike
    champion: Scorer | None = None
    version: str = ""
    left_out: int = 0
    one_sided_pixels: int = 0


def decide_unscored(
    package: StoredPackage, registry: RegistryView, bands: Sequence[str], settings: RegistrationSettings
) -> Decision | None:
    """Decide where no scores are needed: no registry, the same model, or a champion that can't judge these chips.

    Args:
        package: The challenger.
        registry: The registry's knowledge of its name.
        bands: Of the test chips.
        settings: Conditions of a win.

    Returns:
        The decision; ``None`` if the two have to be compared, or if there is no champion.
    """
    if registry.obstacle:
        return _undecided(f"The champion is unknown: {registry.obstacle}", settings)
    champion = registry.champion
    if champion is None:
        return None
    version = champion.version
    if champion.content_hash == package.content_hash:
        same = _undecided(f"This very model is the champion already, as version {version}.", settings, version)
        return replace(same, outcome="champion")
    missing = [band for band in champion.model.chips.bands if band not in bands]
    way_out = "give the alias champion to another version by hand, if this one is to give way"
    if missing:
        reason = f"Version {version} wants {', '.join(missing)}, which these chips lack: {way_out}."
        return _undecided(reason, settings, version)
    sizes = (champion.model.window, package.description.chip_size)
    if package.description.task == "classification" and sizes[0] != sizes[1]:
        reason = f"Version {version} judges chips of {sizes[0]} pixels, and these have {sizes[1]}: {way_out}."
        return _undecided(reason, settings, version)
    return None


def decide(case: PromotionCase, settings: RegistrationSettings) -> Decision:
    """Decide whether the challenger becomes the champion.

    Args:
        case: Both models on the same chips; without a champion, the first model with enough test chips becomes it.
        settings: Conditions of a win.

    Returns:
        The decision with its figures.

    Raises:
        BadInputError: The task does not know the metric.
        ValueError: A chip has no place.
    """
    where = np.asarray(case.places, dtype=object)
    blank = replace(
        _undecided("", settings, case.version),
        chips=int(where.size),
        places=len(set(where.tolist())),
        left_out=case.left_out,
        one_sided_pixels=case.one_sided_pixels,
    )
    if not where.size and case.champion is None:
        return replace(blank, reason="There are no test chips, so that nothing speaks for this model.")
    if lack := _too_few(blank, settings):
        return replace(blank, reason=lack)
    ours = _figure(case.challenger, where, settings)
    if math.isnan(ours.value):
        lack = f"The test split gives no {settings.metric}, which takes mines and ground without: keep some of both."
        return replace(blank, reason=lack)
    scored = replace(blank, challenger=ours)
    if case.champion is None:
        first = f"There was no champion, and this is the first model that was scored on test chips ({settings.metric})."
        return replace(scored, outcome="champion", reason=first)
    paired = paired_difference(case.challenger, case.champion, where, settings.bootstrap)[settings.metric]
    outcome, reason = _judge(paired, case.version, settings)
    theirs = _figure(case.champion, where, settings)
    return replace(scored, outcome=outcome, reason=reason, champion=theirs, difference=paired)


def _undecided(reason: str, settings: RegistrationSettings, version: str = "") -> Decision:
    """The challenger stays one, since the two can't be compared."""
    return Decision(
        outcome="challenger",
        reason=reason,
        metric=settings.metric,
        margin=settings.margin,
        confidence=settings.confidence,
        resamples=settings.resamples,
        champion_version=version,
    )


def _too_few(left: Decision, settings: RegistrationSettings) -> str:
    if left.chips >= settings.minimum_chips and left.places >= settings.minimum_places:
        return ""
    wanted = f"and {settings.minimum_chips} of {settings.minimum_places} are wanted: keep"
    if not left.champion_version:
        return (
            f"There are only {left.chips} test chips of {left.places} places, too few for a first champion, {wanted} "
            "more chips for testing."
        )
    return (
        f"Only {left.chips} test chips of {left.places} places are left that version {left.champion_version} was not "
        f"trained on ({left.left_out} are left out), {wanted} chips for testing that no champion has seen."
    )


def _figure(scorer: Scorer, places: ArrayLike, settings: RegistrationSettings) -> Interval:
    figures = bootstrap_intervals(scorer, places, settings.bootstrap)
    if settings.metric not in figures:
        raise BadInputError(
            f"The metric {settings.metric} that {settings.name} is to win by is none of its task: name one of "
            f"{', '.join(figures)} in its parameters registration.metric."
        )
    return figures[settings.metric]


def _judge(paired: Interval, version: str, settings: RegistrationSettings) -> tuple[Outcome, str]:
    value, low, high = paired
    told = f"{settings.metric} differs by {value:+.4f} ({low:+.4f} to {high:+.4f}) from version {version}"
    if math.isnan(low):
        return "challenger", f"The {told}, which resampling can't tell from chance."
    if low <= 0:
        return "challenger", f"The {told}, an interval that does not lie above 0."
    if value < settings.margin:
        return "challenger", f"The {told}, less than the margin of {settings.margin:g}."
    return "champion", f"The {told}, at least the margin of {settings.margin:g} and with all of its interval above 0."


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field
    if isinstance(value, tuple):  # an interval
        return {
            name: None if math.isnan(figure) else figure for name, figure in zip(Interval._fields, value, strict=True)
        }
    return value
