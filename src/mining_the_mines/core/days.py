"""Days as people write them."""

import re
from datetime import date
from typing import Annotated, Final

from pydantic import BeforeValidator

_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})(?:[T ].*)?")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})")


def read_day(value: object) -> object:
    """Read a day that is written in one of the usual ways.

    Args:
        value: Text with the year first (2023-06-01, 20230601), or last where the order of day and month is certain
            (13.06.2023); anything else is left to the caller.

    Returns:
        The day; other values unchanged.

    Raises:
        ValueError: There is no such day, or day and month could be turned round, as in 01/02/2023.
    """
    text = str(value).strip()
    if value is None or isinstance(value, date):
        return value
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _YEAR_LAST.fullmatch(text):
        day, month, year = map(int, found.groups())
        if day <= 12 and month <= 12 and day != month:
            raise ValueError(
                f"{text} can be {date(year, month, day):%d %B} or {date(year, day, month):%d %B}: write the year "
                f"first, such as {date(year, month, day)}"
            )
        if month > 12:
            day, month = month, day
    else:
        raise ValueError(f"{text} is no day: write the year first, such as 2023-06-01")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"there is no day {text}: write the year first, such as 2023-06-01") from None


#: A day in settings.
Day = Annotated[date, BeforeValidator(read_day)]
