"""Reading ahead keeps the order, stays close, and passes errors on."""

import threading
from collections.abc import Iterator

import pytest

from mining_the_mines.core.prefetching import map_ahead


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_order(workers: int) -> None:
    assert list(map_ahead(lambda number: number * 2, range(50), workers)) == [number * 2 for number in range(50)]


def test_reads_one_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    results = map_ahead(lambda number: number, items(), workers=3)
    for _ in range(10):
        next(results)
    assert taken <= 10 + 3 + 1


def test_error() -> None:
    results = map_ahead(lambda number: 1 // (2 - number), range(5), workers=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_stopped_reader() -> None:
    results = map_ahead(lambda number: number, range(100), workers=2)
    next(results)
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("chips")]
