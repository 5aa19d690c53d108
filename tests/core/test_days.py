"""Days as people write them."""

from datetime import date

import pytest

from mining_the_mines.core.days import read_day


@pytest.mark.parametrize(
    "text", ["2023-06-13", "20230613", "2023/6/13", "13.06.2023", "06/13/2023", "2023-06-13T10:00:00Z", 20230613]
)
def test_one_reading(text: object) -> None:
    assert read_day(text) == date(2023, 6, 13)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("01/02/2023", "01/02/2023 can be 01 February or 02 January: write the year first, such as 2023-02-01"),
        ("2023", "2023 is no day"),
        ("1 June", "is no day"),
        ("2023-02-30", "there is no day 2023-02-30"),
        ("13/13/2023", "there is no day"),
    ],
)
def test_refusals(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_day(text)
