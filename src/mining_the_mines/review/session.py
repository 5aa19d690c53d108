"""A review under way: which place comes next for whom, and how answers are taken."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.review.answer_log import AnswerLog
from mining_the_mines.review.answer_table import (
    LONGEST_COMMENT,
    Answer,
    Answered,
    Entry,
    Name,
    Shown,
    TakenBack,
    standing_answers,
)
from mining_the_mines.review.images import Frame, ReviewImage, Views, choose_views
from mining_the_mines.review.pictures import TITLES, PictureCache, available_views
from mining_the_mines.review.places import Place

logger = logging.getLogger(__name__)

#: Places whose pictures the page loads ahead.
_AHEAD: Final = 2


class UnknownPlaceError(BadInputError):
    """A place that is not under review."""


class Submission(BaseModel):
    """An answer as the page sends it; :class:`mining_the_mines.review.answer_table.Answered` describes the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_id: str
    reviewer: Name
    place_id: str
    answer: Answer
    look_alike: str = ""
    outline: str = ""
    comment: str = Field("", max_length=LONGEST_COMMENT)
    seconds: float = Field(ge=0)


class ReviewSession:
    """Places, their images and the answers to them.

    Args:
        places: In the order of review.
        images: Images that may show them.
        log: The file of answers.
        pictures: Drawn pictures.

    Raises:
        BadInputError: No image shows any of the places.
    """

    def __init__(
        self, places: Sequence[Place], images: Sequence[ReviewImage], log: AnswerLog, pictures: PictureCache
    ) -> None:
        chosen = [(place, choose_views(place, images)) for place in places]
        self._shown = [(place, views, views.now.frame(place)) for place, views in chosen if views is not None]
        self._numbers = {place.place_id: number for number, (place, _, _) in enumerate(self._shown)}
        self._log, self._pictures = log, pictures
        if not self._shown:
            raise BadInputError(
                f"No image shows any of the {len(places)} places: make the composites of their regions with "
                "kedro run --pipelines=acquisition,compositing, or draw the sample from maps that are here."
            )
        if len(self._shown) < len(places):
            lost = next(place.place_id for place, views in chosen if views is None)
            logger.warning(
                "%d of %d places are left out, since no image shows them (%s and others): make the composites of "
                "their regions.", len(places) - len(self._shown), len(places), lost,
            )  # fmt: skip

    def __len__(self) -> int:
        """Number of places that can be judged."""
        return len(self._shown)

    def work(self, reviewer: str) -> dict[str, Any]:
        """Tell a reviewer's next place, what follows and what was answered last.

        Args:
            reviewer: Name of the reviewer.

        Returns:
            JSON values. The map's answer is never among them.
        """
        entries = self._log.entries()
        mine = [answer for answer in standing_answers(entries) if answer.reviewer == reviewer]
        answered = {answer.place_id for answer in mine}
        left = [number for place_id, number in self._numbers.items() if place_id not in answered]
        last = next((answer for answer in reversed(mine) if answer.place_id in self._numbers), None)
        return {
            "done": len(self._shown) - len(left),
            "total": len(self._shown),
            "place": self.describe(left[0]) if left else None,
            "ahead": [view["url"] for number in left[1 : 1 + _AHEAD] for view in self.describe(number)["views"]],
            "last": None if last is None else self._describe_last(last),
        }

    def describe(self, number: int) -> dict[str, Any]:
        """Describe a place for the page.

        Args:
            number: Its number in the order of review, from 0.

        Returns:
            JSON values without the map's answer.
        """
        place, views, frame = self._shown[number]
        images = {"before": views.before, "after": views.after}
        return {
            "place_id": place.place_id,
            "number": number + 1,
            "region": place.region,
            "period": place.period,
            "longitude": place.longitude,
            "latitude": place.latitude,
            "kilometres": round(frame.metres / 1000, 1),
            "marks": frame.marks,
            "draft": frame.draft,
            "corners": frame.corners,
            "views": [
                {
                    "name": name,
                    "title": TITLES[name],
                    "period": shown.period,
                    "dates": shown.dates,
                    "url": f"/picture/{number}/{name}.webp",
                }
                for name in available_views(views)
                for shown in (images.get(name) or views.now,)
            ],
        }

    def image_ids(self, number: int) -> str:
        """Ids of the images of a place, blank-separated."""
        return self._shown[number][1].image_ids

    def picture(self, number: int, name: str) -> bytes | None:
        """Draw a picture of a place; see :meth:`mining_the_mines.review.pictures.PictureCache.picture`."""
        if not 0 <= number < len(self._shown):
            return None
        _, views, frame = self._shown[number]
        return self._pictures.picture(views, frame, name)

    def answer(self, given: Submission) -> None:
        """Store an answer; the same answer sent twice is stored once.

        Raises:
            UnknownPlaceError: The place is not under review.
            UnwritableError: The answer can't be stored.
        """
        place, views, _ = self._find(given.place_id)
        entries = self._log.entries()
        if any(isinstance(entry, Answered) and entry.answer_id == given.answer_id for entry in entries):
            return
        self._log.append(
            [
                Answered(
                    **given.model_dump(),
                    region=place.region,
                    period=place.period,
                    longitude=place.longitude,
                    latitude=place.latitude,
                    blind=not _has_seen(entries, given.reviewer, given.place_id),
                    answered_at=_now(),
                    images=views.image_ids,
                    origin="page",
                )
            ]
        )

    def take_back(self, reviewer: str) -> None:
        """Take back a reviewer's last answer, if there is one."""
        standing = standing_answers(self._log.entries())
        mine = [answer for answer in standing if answer.reviewer == reviewer and answer.place_id in self._numbers]
        if mine:
            last = mine[-1]
            self._log.append(
                [TakenBack(reviewer=reviewer, place_id=last.place_id, answered_at=_now(), answer_id=last.answer_id)]
            )

    def show(self, reviewer: str, place_id: str) -> dict[str, str]:
        """Tell the map's answer to a reviewer who has answered, and note that.

        Raises:
            UnknownPlaceError: The place is not under review.
            BadInputError: The reviewer has not answered yet.
        """
        place, _, _ = self._find(place_id)
        entries = self._log.entries()
        if not any((answer.reviewer, answer.place_id) == (reviewer, place_id) for answer in standing_answers(entries)):
            raise BadInputError("The map's answer is shown after yours: answer first.")
        if not _has_seen(entries, reviewer, place_id):
            self._log.append([Shown(reviewer=reviewer, place_id=place_id, answered_at=_now())])
        return place.hidden or {"The map says": "nothing about this place"}

    def _find(self, place_id: str) -> tuple[Place, Views, Frame]:
        if place_id not in self._numbers:
            raise UnknownPlaceError("This place is not in the sample: load the page again.")
        return self._shown[self._numbers[place_id]]

    def _describe_last(self, answer: Answered) -> dict[str, Any]:
        return {
            "place_id": answer.place_id,
            "number": self._numbers[answer.place_id] + 1,
            "answer": answer.answer,
            "look_alike": answer.look_alike,
        }


def _has_seen(entries: Sequence[Entry], reviewer: str, place_id: str) -> bool:
    return any(
        isinstance(entry, Shown) and (entry.reviewer, entry.place_id) == (reviewer, place_id) for entry in entries
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
