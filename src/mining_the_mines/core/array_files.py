"""Arrays too large for memory: written part by part, opened through a memory map."""

import errno
import math
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from mining_the_mines.core.errors import BadInputError


def write_array(
    path: Path, shape: Sequence[int], dtype: np.dtype[Any], parts: Iterable[npt.NDArray[Any]]
) -> Iterable[npt.NDArray[Any]]:
    """Write an array part by part, with plain writes: pages of a memory map would count as memory of the process.

    Args:
        path: The file, in NumPy's format; it is on the disk when the last part was taken.
        shape: Of the whole array.
        dtype: Of its elements, with byte order.
        parts: Its elements along the first axis, one after the other.

    Yields:
        Each part as it was written, for those who do more with it.

    Raises:
        OSError: If the disk is full or too small for the array.
        ValueError: If the parts are not those of the shape.
    """
    _check_space(path.parent, math.prod(shape) * dtype.itemsize)
    written = 0
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            if written == shape[0]:
                raise ValueError(f"More parts came than an array of shape {tuple(shape)} takes.")
            elements = np.ascontiguousarray(part, dtype=dtype)
            if elements.shape != tuple(shape[1:]):
                raise ValueError(f"A part of shape {elements.shape} doesn't fit into an array of shape {tuple(shape)}.")
            file.write(elements.data)
            written += 1
            yield elements
        flush(file)
    if written != shape[0]:
        raise ValueError(f"Only {written} parts came for an array of shape {tuple(shape)}.")


def open_array(path: Path, shape: Sequence[int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Open an array through a read-only memory map.

    Args:
        path: As :func:`write_array` left it.
        shape: What it must have.
        dtype: What it must have.

    Returns:
        The array; its elements are read when they are used.

    Raises:
        BadInputError: If it is cut off, or of another shape or type.
    """
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} can't be opened ({error}): run preprocessing again.") from error
    if array.shape != tuple(shape) or array.dtype != dtype:
        raise BadInputError(
            f"{path} holds {array.dtype} {array.shape} where its schema says {dtype} {tuple(shape)}: "
            "run preprocessing again."
        )
    return array


def flush(file: IO[bytes] | IO[str]) -> None:
    """Make sure that what was written is on the disk, so that an error of the disk shows now.

    Args:
        file: Open for writing.
    """
    file.flush()
    os.fsync(file.fileno())


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"it needs {needed / 1e6:.0f} MB and the disk has {free / 1e6:.0f} MB left")
