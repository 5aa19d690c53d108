"""Arrays larger than memory: written part by part, opened through a read-only memory map."""

import errno
import hashlib
import math
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from mining_the_mines.core.errors import BadInputError

Schema = TypeVar("Schema", bound=BaseModel)


def write_array(
    path: Path, shape: Sequence[int], dtype: np.dtype[Any], parts: Iterable[npt.NDArray[Any]], digest: "hashlib._Hash"
) -> None:
    """Write an array part by part with plain writes; pages of a memory map would count as memory of the process.

    Args:
        path: NumPy file to write; it is flushed to the disk.
        shape: Shape of the whole array.
        dtype: Type of its elements, with byte order.
        parts: Elements along the first axis, one after the other.
        digest: Hash that is updated with the bytes of all elements.

    Raises:
        OSError: The disk is full, or too small for the array.
        ValueError: The parts don't match the shape.
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
            digest.update(elements.data)
            written += 1
        flush(file)
    if written != shape[0]:
        raise ValueError(f"Only {written} parts came for an array of shape {tuple(shape)}.")


def open_array(path: Path, shape: Sequence[int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Open an array through a read-only memory map.

    Args:
        path: NumPy file.
        shape: Shape that it must have.
        dtype: Type that it must have.

    Returns:
        The array; its elements are read when they are used.

    Raises:
        BadInputError: The file is cut off, or of another shape or type.
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


def write_schema(path: Path, schema: BaseModel) -> None:
    """Write a schema as JSON and flush it to the disk."""
    with path.open("w", encoding="utf-8") as text:
        text.write(schema.model_dump_json(indent=1))
        flush(text)


def read_schema(path: Path, model: type[Schema], kind: str, way_out: str) -> Schema:
    """Read a schema that :func:`write_schema` wrote.

    Args:
        path: JSON file in the folder of an array.
        model: Class of the schema.
        kind: Content of the array, for messages, such as ``packed chips``.
        way_out: Advice where there is no such file.

    Returns:
        The schema.

    Raises:
        BadInputError: The file is missing or holds another schema.
    """
    try:
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(f"{path.parent} holds no {kind}: {way_out}.") from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"{path} is no schema of {kind} ({type(error).__name__}): run preprocessing again."
        ) from error


def flush(file: IO[bytes] | IO[str]) -> None:
    """Flush an open file to the disk, so that a disk error is raised now."""
    file.flush()
    os.fsync(file.fileno())


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"it needs {needed / 1e6:.0f} MB and the disk has {free / 1e6:.0f} MB left")
