"""Progress of long loops on the terminal."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.progress import track

Item = TypeVar("Item")


def progress_bar(items: Iterable[Item], description: str) -> Iterable[Item]:
    """Go through the items while a bar shows how far it is and how long it will take."""
    total = len(items) if isinstance(items, Sequence) else None
    return track(items, description=description, total=total)
