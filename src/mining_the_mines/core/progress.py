"""Protocols for showing the progress of long loops."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Progress(Protocol):
    """Wraps an iterable and shows the progress of a loop over it, as ``rich.progress.track`` does."""

    def __call__(self, items: Iterable[Item], description: str, /) -> Iterable[Item]:
        """Return the same items in the same order.

        Args:
            items: Items of the loop.
            description: Name of the work, for people.
        """
        ...


def silent(items: Iterable[Item], description: str, /) -> Iterable[Item]:  # noqa: ARG001 - part of the protocol
    """Show nothing."""
    return items


class Count(Protocol):
    """Counts finished pieces of work, in any order."""

    def __call__(self, total: int, description: str, /) -> AbstractContextManager[Callable[[], None]]:
        """Return a context with a function to call after each piece.

        Args:
            total: Number of pieces.
            description: Name of the work, for people.
        """
        ...


@contextmanager
def uncounted(_total: int, _description: str, /) -> Iterator[Callable[[], None]]:
    """Show nothing."""
    yield lambda: None
