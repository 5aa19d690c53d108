"""Training of one network on several devices of a machine: torchrun starts a process for each of them.

Lightning would start them by running the whole command line again. Each process runs the same function, and Lightning's
DDP shares the gradients (S. Li et al., "PyTorch Distributed", VLDB 2020).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
import torch.distributed as dist
from timm.layers import convert_sync_batchnorm  # type: ignore[attr-defined] # its __init__ lists no names
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.kinds import ReportEpoch

#: Begins the lines in which the first process reports epochs and bad input; libraries print as well.
_MARK: Final = "mining_the_mines "
_ERROR: Final = "error"


def run_on_devices(devices: int, work: Callable[..., object], arguments: tuple[Any, ...], report: ReportEpoch) -> None:
    """Run a function in a process per device, and wait.

    Args:
        devices: Number of processes.
        work: Function of a module; it is called with the arguments and a function that reports epochs.
        arguments: They are written to a temporary file, which only these processes read.
        report: Called after each epoch.

    Raises:
        BadInputError: The function met bad input, or a process ended early.
    """
    from distributed.protocol.serialize import serialize_bytes

    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job"
        job.write_bytes(serialize_bytes((work, arguments)))
        command = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={devices}", "-m", __name__]
        command = [sys.executable, *command, str(job)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - torchrun
            try:
                _listen(process, report)
            finally:
                process.terminate()
    if process.returncode:
        raise BadInputError(
            f"Training on {devices} devices ended early (torchrun returned {process.returncode}): look for the reason "
            "in the messages above, or set devices to 1; what has a checkpoint is kept."
        )


def _listen(process: "subprocess.Popen[str]", report: ReportEpoch) -> None:
    for line in process.stdout or ():
        if not line.startswith(_MARK):
            continue
        epoch, said = json.loads(line.removeprefix(_MARK))
        if epoch == _ERROR:
            raise BadInputError(said)
        report(epoch, said)
    process.wait()


def main(job: Path) -> None:
    """Run the function of :func:`run_on_devices` in one of the processes."""
    from distributed.protocol.serialize import deserialize_bytes

    work, arguments = deserialize_bytes(job.read_bytes())
    try:
        work(*arguments, _report)
    except BadInputError as error:
        _say(_ERROR, str(error))
        raise


def _report(epoch: int, figures: Mapping[str, float]) -> None:
    if dist.get_rank() == 0:
        _say(epoch, dict(figures))


def _say(*said: object) -> None:
    # In one piece: the processes share the pipe, and print would write the end of the line on its own.
    os.write(sys.stdout.fileno(), f"{_MARK}{json.dumps(said)}\n".encode())


def share_batch_norm(network: nn.Module) -> nn.Module:
    """Let batch norm count the chips of all devices.

    Raises:
        BadInputError: There are only CPUs, where torch can't do that.
    """
    if torch.cuda.is_available():
        shared: nn.Module = convert_sync_batchnorm(network)  # type: ignore[no-untyped-call] # timm's own
        return shared
    if any(isinstance(layer, _BatchNorm) for layer in network.modules()):
        raise BadInputError(
            "torch can't share batch norm between CPU processes: set devices to 1, or take a network without it."
        )
    return network


def check_shares(batch: int, devices: int) -> None:
    """Check that a batch can be dealt out evenly.

    Args:
        batch: Number of its chips.
        devices: Number of devices.

    Raises:
        BadInputError: It can't.
    """
    if batch % devices:
        raise BadInputError(
            f"A batch of {batch} can't be shared by {devices} devices: set batch_size to a multiple of devices that is "
            "smaller than the number of training chips."
        )


def on_all_devices(logits: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Logits of a batch, of which each device computes a share.

    Each device draws the augmentation of the whole batch and gathers the logits of all shares, so that mix-up and
    losses over a batch, such as Dice, are those of one device. Only dropout draws other numbers.

    Args:
        logits: The network.
        images: The whole batch ``(B, C, H, W)``, the same on every device.

    Returns:
        Logits of the whole batch, with gradients.

    Raises:
        BadInputError: The batch can't be dealt out evenly.
    """
    devices = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
    if devices == 1:
        return logits(images)
    check_shares(len(images), devices)
    rank = dist.get_rank()
    with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
        # Each device has its own dropout; the augmentation of the next batch is the same on all.
        torch.manual_seed(int(torch.randint(2**31, ()).item()) + rank)
        share = logits(images.chunk(devices)[rank])
    shares = [torch.empty_like(share) for _ in range(devices)]
    dist.all_gather(shares, share.detach().contiguous())
    shares[rank] = share
    # The gradients of the shares add up, and DDP takes their mean.
    share.register_hook(lambda gradient: gradient * devices)  # type: ignore[no-untyped-call] # torch's own
    return torch.cat(shares)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
