"""Figures of training epochs, sent from training to the trackers of runs through the logging module.

Training knows no tracker. A tracker attaches a handler to :data:`EPOCHS` while a run lasts, see :func:`epoch_listener`.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

#: Logger of the events; its records carry an :class:`EpochEvent` and never reach the terminal.
EPOCHS: Final = logging.getLogger("mining_the_mines.epochs")
_ATTRIBUTE: Final = "epoch_event"


@dataclass(frozen=True)
class EpochEvent:
    """The end of an epoch, or of a training.

    Attributes:
        training: Name of the training, such as ``network, fold 3``; one child run each.
        epoch: Number of the epoch, from 0.
        figures: Loss and scores by name.
        finished: Whether the training ends here; ``figures`` may then be empty.
    """

    training: str
    epoch: int
    figures: Mapping[str, float] = field(default_factory=dict)
    finished: bool = False


def send_epoch(event: EpochEvent) -> None:
    """Send an event to all listeners."""
    EPOCHS.debug("%s, epoch %d", event.training, event.epoch, extra={_ATTRIBUTE: event})


@contextmanager
def epoch_listener(listen: Callable[[EpochEvent], None]) -> Iterator[None]:
    """Call a function for each event while the block runs."""
    handler = _Listener(listen)
    before = EPOCHS.level, EPOCHS.propagate
    EPOCHS.addHandler(handler)
    EPOCHS.setLevel(logging.DEBUG)
    EPOCHS.propagate = False
    try:
        yield
    finally:
        EPOCHS.removeHandler(handler)
        EPOCHS.setLevel(before[0])
        EPOCHS.propagate = before[1]


class _Listener(logging.Handler):
    def __init__(self, listen: Callable[[EpochEvent], None]) -> None:
        super().__init__()
        self.listen = listen

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, _ATTRIBUTE, None)
        if isinstance(event, EpochEvent):
            self.listen(event)
