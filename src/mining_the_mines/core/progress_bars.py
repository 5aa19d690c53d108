"""Progress of long loops on the terminal."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.progress import Progress, track

Item = TypeVar("Item")


def progress_bar(items: Iterable[Item], description: str) -> Iterable[Item]:
    """Iterate over items while a bar shows the progress and the remaining time."""
    total = len(items) if isinstance(items, Sequence) else None
    return track(items, description=description, total=total)


@contextmanager
def counting_bar(total: int, description: str) -> Iterator[Callable[[], None]]:
    """Show a bar for work in any order; call the yielded function after each piece."""
    with Progress() as bar:
        task = bar.add_task(description, total=total)
        yield lambda: bar.advance(task)
