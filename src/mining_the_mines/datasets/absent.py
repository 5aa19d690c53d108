"""Inputs that an environment does not have."""

from typing import Any

from kedro.io import AbstractDataset, DatasetError


class AbsentDataset(AbstractDataset[None, None]):
    """An input or product that the data of an environment lack; nodes that can do without it get ``None``.

    A run with a node that needs it is refused at its start, with the reason given here.

    Args:
        reason: What the data lack, as the first half of a sentence. ``{env}`` stands for the environment's name.
        instead: The command that these data allow.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(self, *, reason: str, instead: str, metadata: dict[str, Any] | None = None) -> None:
        self.reason = reason
        self.instead = instead
        self.metadata = metadata

    @property
    def absent(self) -> str:
        """Why a run that needs it can't be made, and what can be done."""
        return f"{self.reason}: {self.instead}."

    def load(self) -> None:
        """Give nothing."""

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: the catalog says that there is none."""
        raise DatasetError(self.absent)

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"reason": self.reason}
