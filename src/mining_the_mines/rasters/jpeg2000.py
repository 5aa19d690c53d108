"""Whether a JPEG 2000 file is complete: GDAL decodes a truncated one without a word, with the missing part black.

Boxes of a JP2 file and markers of its codestream: ISO/IEC 15444-1, annexes I and A.
"""

from typing import BinaryIO, Final

#: First box of a JP2 file, and the marker that a bare codestream starts with.
_SIGNATURE: Final = b"\x00\x00\x00\x0cjP  "
_START: Final = b"\xff\x4f\xff\x51"
#: Marker at the end of a codestream (EOC).
_END: Final = b"\xff\xd9"
_CODESTREAM: Final = b"jp2c"


def is_cut_off(stream: BinaryIO) -> bool:
    """Whether a JPEG 2000 file ends before its codestream does.

    Args:
        stream: The file; it can seek.

    Returns:
        Whether it is cut off; ``False`` for a file of another format.
    """
    head = stream.read(12)
    size = stream.seek(0, 2)
    if head.startswith(_START):
        return _end(stream, size) != _END
    if not head.startswith(_SIGNATURE):
        return False
    place = 0
    while place + 8 <= size:
        stream.seek(place)
        header = stream.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        end = size if length == 0 else place + length
        if end > size or end < place + 8:
            return True
        if kind == _CODESTREAM:
            return _end(stream, end) != _END
        place = end
    return True  # no codestream


def _end(stream: BinaryIO, end: int) -> bytes:
    stream.seek(end - len(_END))
    return stream.read(len(_END))
