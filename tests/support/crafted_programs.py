"""Programs in which somebody has changed a record, as a stranger might who wants code of theirs to run."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONSTANTS = "model/data/constants/model_constants_config.json"
WEIGHTS = "model/data/weights/model_weights_config.json"
GRAPH = "model/models/model.json"
Change = Callable[[dict[str, bytes]], None]


class Trap:
    """What is unpickled makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.mkdir, (self.folder,)  # type: ignore[return-value]


def crafted(program: Path, path: Path, change: Change) -> Path:
    """Write a program anew with other records."""
    with zipfile.ZipFile(program) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    change(records)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    return path


def opaque(trap: Path) -> Change:
    """A constant whose name alone makes torch unpickle it."""

    def change(records: dict[str, bytes]) -> None:
        config = json.loads(records[CONSTANTS])
        first = next(iter(config["config"].values()))
        bytewise = {**first["tensor_meta"], "dtype": 1}
        config["config"]["any"] = {**first, "path_name": "opaque_obj_0", "tensor_meta": bytewise}
        records[CONSTANTS] = json.dumps(config).encode()
        records["model/data/constants/opaque_obj_0"] = pickle.dumps(Trap(trap))

    return change


def entry(folder: str, **changed: object) -> Change:
    """Another entry in the list of weights or constants."""

    def change(records: dict[str, bytes]) -> None:
        config = json.loads(records[folder])
        first = next(iter(config["config"].values()))
        config["config"]["any"] = {**first, **changed}
        records[folder] = json.dumps(config).encode()

    return change


def record(name: str, content: bytes = b"any") -> Change:
    """One record more, or another one."""

    def change(records: dict[str, bytes]) -> None:
        records[name] = content

    return change


def graph(old: str, new: str) -> Change:
    """Other words in the graph."""

    def change(records: dict[str, bytes]) -> None:
        text = records[GRAPH].decode()
        assert old in text
        records[GRAPH] = text.replace(old, new, 1).encode()

    return change
