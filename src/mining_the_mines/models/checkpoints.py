"""What is left of a training run on disk: checkpoints to go on from, and networks that are finished."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from torch import nn

from mining_the_mines.core.atomic import whole_file

FINISHED = "finished.pt"

Rows = list[dict[str, float]]


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and moves it there.

    Lightning's own way goes through the system's temporary folder; where that is another disk, moving is copying, and a
    kill leaves half a checkpoint in the place of a good one.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ANN401, ARG002 - as Lightning declares it
    ) -> None:
        """Write a checkpoint.

        Args:
            checkpoint: The state of the run.
            path: Where it is to be.
            storage_options: Not used.

        Raises:
            BadInputError: The disk is full, or the place can't be written to.
        """
        with whole_file(Path(path)) as draft:
            torch.save(checkpoint, draft)


def first_epoch(checkpoint: Path) -> int:
    """The epoch at which a run goes on: the one after the checkpoint's, or 0 if there is none."""
    if not checkpoint.is_file():
        return 0
    return int(torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["epoch"]) + 1


def keep_finished(folder: Path, network: nn.Module, rows: Rows) -> None:
    """Write down the final weights and curves.

    A checkpoint doesn't have them: it holds the weights before averaging, and can't tell that early stopping ended the
    run.
    """
    with whole_file(folder / FINISHED) as draft:
        torch.save({"weights": network.state_dict(), "rows": rows}, draft)


def recall_finished(folder: Path, network: nn.Module) -> Rows | None:
    """Load the final weights into a network, in evaluation mode.

    Returns:
        The curves, or ``None`` if the training has not been finished.
    """
    path = folder / FINISHED
    if not path.is_file():
        return None
    kept = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(kept["weights"])
    network.eval()
    rows: Rows = kept["rows"]
    return rows
