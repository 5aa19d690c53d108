"""Boosted trees in skops files: the same trees give the same bytes."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile, ZipInfo

import skops.io

_SCHEMA: Final = "schema.json"
#: ZIP archives begin their calendar on this day.
_DATE: Final = (1980, 1, 1, 0, 0, 0)
#: Unix, whichever system writes: part of an archive's bytes.
_SYSTEM: Final = 3
#: Where skops says which object a node is, and digits of that.
_IDENTITY: Final = "__id__"
_DIGITS: Final = 15


def write_trees(trees: Any, path: Path) -> None:  # noqa: ANN401 - whatever skops takes
    """Write an object with skops.

    Skops names what is in an object by its place in memory, and files in the archive bear the time. Here both come from
    the content instead, so that what is equal inside is stored, and loaded, once.

    Args:
        trees: Estimators of scikit-learn, in lists.
        path: Of the file.
    """
    with ZipFile(io.BytesIO(skops.io.dumps(trees))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files.pop(_SCHEMA))
    names = {name: hashlib.sha256(content).hexdigest() + Path(name).suffix for name, content in files.items()}
    _name_by_content(schema, names)
    named = {names[name]: content for name, content in files.items()}
    named[_SCHEMA] = json.dumps(schema, separators=(",", ":")).encode()
    with ZipFile(path, "w") as archive:
        for name in sorted(named):
            entry = ZipInfo(name, _DATE)
            entry.create_system = _SYSTEM
            archive.writestr(entry, named[name])


def _name_by_content(node: Any, names: dict[str, str]) -> str:  # noqa: ANN401 - a node of skops' schema
    """Replace names of files and identities of objects in a schema.

    Returns:
        Hash of the node.
    """
    if isinstance(node, list):
        return _hash([_name_by_content(child, names) for child in node])
    if not isinstance(node, dict):
        return _hash(node)
    if node.get("file") in names:
        node["file"] = names[node["file"]]
    content = _hash({name: _name_by_content(child, names) for name, child in node.items() if name != _IDENTITY})
    if _IDENTITY in node:
        node[_IDENTITY] = int(content[:_DIGITS], 16)
    return content


def _hash(content: Any) -> str:  # noqa: ANN401 - JSON
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
