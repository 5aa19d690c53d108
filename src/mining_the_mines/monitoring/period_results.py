"""Results of a series by period, and their list in a folder."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import SceneError
from mining_the_mines.monitoring.periods import Period

#: List of the periods of a folder; written last.
INDEX: Final = "periods.json"

Result = TypeVar("Result")
Other = TypeVar("Other")


@dataclass(frozen=True)
class PeriodResult(Generic[Result]):
    """The result of a step for one period.

    Attributes:
        period: The period.
        result: The result; ``None`` if nothing could be seen in the period.
        reason: Why there is no result.
    """

    period: Period
    result: Result | None
    reason: str = ""

    def without(self, reason: str) -> "PeriodResult[Other]":
        """The period without a result, for a reason."""
        return PeriodResult(self.period, None, reason)


def require_any(results: Sequence[PeriodResult[Result]]) -> tuple[PeriodResult[Result], ...]:
    """Return the results of a series in which at least one period was seen.

    Raises:
        SceneError: No period has a result; the message gives the first reason.
    """
    if results and all(each.result is None for each in results):
        first = results[0]
        raise SceneError(f"No period of the series can be seen, {first.period.name} for this reason: {first.reason}")
    return tuple(results)


def write_results(
    folder: Path, results: Iterable[PeriodResult[Result]], files: Callable[[Result], Iterable[str]]
) -> None:
    """List results that lie in a folder.

    Args:
        folder: Folder of the results, in a sub-folder or file named after each period.
        results: The results.
        files: Gives the files or folders of a result, as paths from the period's sub-folder.
    """
    # The ledger takes texts for names of files, so the name of a period does not stand alone.
    listed = [
        {
            "period": f"{each.period.name} {each.period.start}/{each.period.end}",
            "reason": each.reason,
            "seen": each.result is not None,
            "files": [{"path": f"{each.period.name}/{file}"} for file in files(each.result)] if each.result else [],
        }
        for each in results
    ]
    with whole_file(folder / INDEX) as draft:
        draft.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


def read_results(folder: Path, read: Callable[[Path], Result]) -> tuple[PeriodResult[Result], ...]:
    """Read the results that a folder lists.

    Args:
        folder: Folder of the results.
        read: Reads the sub-folder of a period.

    Raises:
        SceneError: The folder lists no periods, or the list is damaged.
    """
    try:
        listed = [_period_of(each) for each in json.loads((folder / INDEX).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        raise SceneError(f"{folder} holds no series: run kedro run --pipelines=monitoring first.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SceneError(
            f"{folder / INDEX} is damaged, or another version of this project wrote it: run kedro run "
            "--pipelines=monitoring again; maps and composites that still fit are kept."
        ) from error
    return tuple(
        PeriodResult(period, read(folder / period.name) if seen else None, reason) for period, seen, reason in listed
    )


def _period_of(entry: dict[str, Any]) -> tuple[Period, bool, str]:
    name, days = entry["period"].rsplit(maxsplit=1)
    start, end = map(date.fromisoformat, days.split("/"))
    return Period(name, start, end), entry["seen"], entry["reason"]
