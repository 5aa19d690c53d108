"""Progress of long loops on the terminal."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.progress import Progress, track

Item = TypeVar("Item")


def progress_bar(items: Iterable[Item], description: str) -> Iterable[Item]:
    """Go through the items while a bar shows how far it is and how long it will take."""
    total = len(items) if isinstance(items, Sequence) else None
    return track(items, description=description, total=total)


@contextmanager
def counting_bar(total: int, description: str) -> Iterator[Callable[[], None]]:
    """Show a bar for work that is done in any order; what is given is called whenever a piece of it is done."""
    with Progress() as bar:
        task = bar.add_task(description, total=total)
        yield lambda: bar.advance(task)
