"""Does a challenger become the champion? Only if it wins on the same test chips, by a margin and beyond doubt.

Both are scored on the same resamples of places (see :mod:`mining_the_mines.scoring.bootstrap`), so that what makes a
chip hard for both cancels out. A model that is not shown to be better stays the challenger: the one in use has been
looked at, the new one has not.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.registry.settings import RegistrationSettings
from mining_the_mines.scoring.bootstrap import Interval, Scorer, bootstrap_intervals, paired_difference

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
#: What a decision counts.
COUNTS: Final = ("chips", "places", "left_out", "one_sided_pixels")


@dataclass(frozen=True)
class Decision:
    """Whether a model becomes the champion, with the figures that decided.

    Attributes:
        outcome: The alias that the model gets.
        reason: Why, in one sentence.
        metric: The figure that decided.
        margin: Least difference that would have counted.
        confidence: Level of all intervals.
        resamples: That they were drawn from.
        chips: Test chips that both were scored on.
        places: Places of these.
        left_out: Test chips that the champion was trained on, and that have no part in the figures.
        one_sided_pixels: Pixels of outlines that only one of the two has judged, and that have no part in the figures.
        champion_version: That it was compared with; empty if there was none.
        challenger: Figure of the new model; ``None`` where nothing was scored.
        champion: Figure of the champion on the same chips.
        difference: Challenger minus champion.
    """

    outcome: Literal["champion", "challenger"]
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

    @property
    def figures(self) -> dict[str, float]:
        """All figures by name, those of intervals with ``_low`` and ``_high`` for their ends."""
        named: dict[str, float] = {name: getattr(self, name) for name in COUNTS}
        for name, interval in (
            ("challenger", self.challenger), ("champion", self.champion), ("difference", self.difference),
        ):  # fmt: skip
            if interval is not None:
                named |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
        return {name: figure for name, figure in named.items() if not math.isnan(figure)}

    def record(self) -> dict[str, Any]:
        """The same in values that JSON knows: intervals as mappings, figures that are not defined as ``None``."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True)
class PromotionCase:
    """Two models on the same test chips.

    Attributes:
        challenger: Scores the new model.
        places: Place of each chip, (N,).
        champion: Scores the one in use, on the same chips in the same order; ``None`` if there is none.
        version: Of the one in use.
        left_out: Test chips that the one in use was trained on; they are not among the N.
        one_sided_pixels: Pixels of outlines that only one of the two has judged, and that neither is scored on.
    """

    challenger: Scorer
    places: ArrayLike
    champion: Scorer | None = None
    version: str = ""
    left_out: int = 0
    one_sided_pixels: int = 0


def decide(contest: PromotionCase, settings: RegistrationSettings) -> Decision:
    """Decide whether the challenger becomes the champion.

    Args:
        contest: Both models on the same chips; without a champion, the first model that is scored on enough becomes it.
        settings: What it takes.

    Returns:
        The decision with its figures.

    Raises:
        BadInputError: The metric is none of this task.
        ValueError: A chip has no place.
    """
    where = np.asarray(contest.places, dtype=object)
    blank = replace(
        undecided("", settings, contest.version),
        chips=int(where.size),
        places=len(set(where.tolist())),
        left_out=contest.left_out,
        one_sided_pixels=contest.one_sided_pixels,
    )
    if not where.size and contest.champion is None:
        return replace(blank, reason="There are no test chips, so that nothing speaks for this model.")
    if lack := _too_few(blank, settings):
        return replace(blank, reason=lack)
    ours = _figure(contest.challenger, where, settings)
    if math.isnan(ours.value):
        lack = f"The test split gives no {settings.metric}, which takes mines and ground without: keep some of both."
        return replace(blank, reason=lack)
    scored = replace(blank, challenger=ours)
    if contest.champion is None:
        first = f"There was no champion, and this is the first model that was scored on test chips ({settings.metric})."
        return replace(scored, outcome="champion", reason=first)
    paired = paired_difference(contest.challenger, contest.champion, where, settings.bootstrap)[settings.metric]
    outcome, reason = _judge(paired, contest.version, settings)
    theirs = _figure(contest.champion, where, settings)
    return replace(scored, outcome=outcome, reason=reason, champion=theirs, difference=paired)


def undecided(reason: str, settings: RegistrationSettings, version: str = "") -> Decision:
    """The challenger stays one, since the two can't be compared.

    Args:
        reason: Why they can't, in one sentence.
        settings: What it would have taken.
        version: Of the champion.
    """
    return Decision(
        outcome="challenger",
        reason=reason,
        metric=settings.metric,
        margin=settings.margin,
        confidence=settings.confidence,
        resamples=settings.resamples,
        champion_version=version,
    )


def conclude(reason: str, version: str, settings: RegistrationSettings) -> Decision:
    """The model is the champion, and nothing has to be scored for that.

    Args:
        reason: Why, in one sentence.
        version: Of the champion.
        settings: What it would have taken.
    """
    return replace(undecided(reason, settings, version), outcome="champion")


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


def _judge(
    paired: Interval, version: str, settings: RegistrationSettings
) -> tuple[Literal["champion", "challenger"], str]:
    value, low, high = paired
    told = f"{settings.metric} differs by {value:+.4f} ({low:+.4f} to {high:+.4f}) from version {version}"
    if math.isnan(low):
        return "challenger", f"The {told}, which resampling can't tell from chance."
    if low <= 0:
        return "challenger", f"The {told}, an interval that does not lie above 0."
    if value < settings.margin:
        return "challenger", f"The {told}, less than the margin of {settings.margin:g}."
    return "champion", f"The {told}, at least the margin of {settings.margin:g} and with all of its interval above 0."


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    if isinstance(value, tuple):  # an interval
        return {
            name: None if math.isnan(figure) else figure for name, figure in zip(Interval._fields, value, strict=True)
        }
    return value
