"""Telling a person how far a long loop has come, without knowing how it is shown."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Progress(Protocol):
    """Wraps an iterable and shows how far it has come, as ``rich.progress.track`` does."""

    def __call__(self, items: Iterable[Item], description: str, /) -> Iterable[Item]:
        """Give back the same items, in the same order.

        Args:
            items: What is gone through.
            description: What is being done, for people.

        Returns:
            The items.
        """
        ...


def silent(items: Iterable[Item], description: str, /) -> Iterable[Item]:  # noqa: ARG001 - part of the protocol
    """Show nothing."""
    return items


class Count(Protocol):
    """Shows how many pieces of work are done, in whatever order they are."""

    def __call__(self, total: int, description: str, /) -> AbstractContextManager[Callable[[], None]]:
        """Give a function that is called after each piece.

        Args:
            total: How many there are.
            description: What is being done, for people.

        Returns:
            The function, for as long as the work lasts.
        """
        ...


@contextmanager
def uncounted(_total: int, _description: str, /) -> Iterator[Callable[[], None]]:
    """Show nothing."""
    yield lambda: None
