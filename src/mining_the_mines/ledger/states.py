"""Content, place and versions of the datasets of a catalog.

The content of a dataset is the SHA-256 of its file or folder, with three exceptions: a dataset that the catalog calls
``volatile`` has none, one with an ``index`` counts the index and the files that it names, and one with a method
``content_hash(path, hashes)`` hashes its own content (an HTML page without the facts of its run). The module
:mod:`mining_the_mines.ledger.catalog_facts` explains the keys.
"""

import glob
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from kedro.io import AbstractDataset
from kedro.io.core import AbstractVersionedDataset, Version, VersionNotFoundError

from mining_the_mines.core.atomic import whole_file, whole_folder
from mining_the_mines.core.hashing import NOTHING, ContentHashes, hash_values, visible_files
from mining_the_mines.core.paths import find
from mining_the_mines.ledger.catalog_facts import facts_of
from mining_the_mines.ledger.records import DatasetState

#: Geodata in several files that lie beside each other.
_WITH_SIDECARS: Final = (".shp",)
#: Key of a record, or of an entry of an index, with the hash of all that a result depends on.
_CONTENT_HASH: Final = "content_hash"
#: Keys that name an entry of an index.
_NAMES: Final = ("name", "scene", "region")
#: Keys whose value is a path.
_PATHS: Final = ("href", "path", "folder")
#: Members of STAC files that only navigate (STAC specification, "Links").
_NAVIGATION: Final = "links"
#: Prefix of a multihash that is a SHA-256 of 32 bytes (STAC file extension, ``file:checksum``).
_SHA_256: Final = "1220"

Dataset = AbstractDataset[Any, Any]


@runtime_checkable
class AnswersItself(Protocol):
    """A dataset whose content is not the bytes of its file or folder."""

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:
        """Hash the content at a path, which need not be the dataset's own."""
        ...


class RegisteredModel(Protocol):
    """A model of the registry on this disk."""

    @property
    def folder(self) -> Path:
        """Folder of the model."""
        ...

    @property
    def registered(self) -> str | None:
        """Name and version, such as ``mine-segmenter 3``."""
        ...

    @property
    def registered_by(self) -> str | None:
        """Id of the run that registered it, if the registry knows one."""
        ...


@runtime_checkable
class MayBeRegistered(Protocol):
    """A dataset that may load a model of the registry instead of its own file."""

    def find_registered(self) -> RegisteredModel | None:
        """The model of the registry; ``None`` if none is asked for."""
        ...


@dataclass(frozen=True)
class Index:
    """Files that belong together in a folder that also keeps results of other runs.

    Attributes:
        file: The JSON file that lists them.
        entries: Files by the entry that they belong to.
        missing: Paths in the index at which nothing lies.
    """

    file: Path
    entries: dict[str, tuple[Path, ...]]
    missing: tuple[str, ...] = ()

    @property
    def files(self) -> list[Path]:
        """All files, entry by entry."""
        return [path for files in self.entries.values() for path in files]

    def parts(self) -> dict[str, str]:
        """Content hash of each entry that has one, in the index or in a JSON record among its files."""
        return {name: str(record[_CONTENT_HASH]) for name in self.entries if (record := self.record(name)) is not None}

    def record(self, name: str) -> dict[str, Any] | None:
        """The JSON object with the content hash of an entry; ``None`` if there is none."""
        for file in self.entries.get(name, ()):
            if file.suffix == ".json":
                value = _read_json(file)
                if isinstance(value, dict) and _CONTENT_HASH in value:
                    return value
        listed = (value for value in _objects(_read_json(self.file)) if _CONTENT_HASH in value)
        return next((value for value in listed if name in (value.get(key) for key in _NAMES)), None)

    def is_intact(self, name: str, hashes: ContentHashes) -> bool:
        """Whether the files of an entry have the checksums that the STAC items among them state."""
        files = self.entries.get(name, ())
        items = [(file.parent, _read_json(file)) for file in files if file.suffix == ".json"]
        return bool(files) and all(
            asset["file:checksum"] == _SHA_256 + hashes.of(folder / asset["href"])
            for folder, item in items
            for asset in (item.get("assets", {}).values() if isinstance(item, dict) else ())
            if "file:checksum" in asset
        )


def read_index(dataset: Dataset, path: Path, earlier: Iterable[str] = ()) -> Index | None:
    """Read the index of a dataset.

    An entry is either a string in the JSON file that occurs in the path of files beside the index, with or without
    suffixes (``tapajos`` stands for ``tapajos.tif`` and for all files in the folder ``tapajos``), or the value of a key
    ``href``, ``path`` or ``folder`` that is the path of a file or folder, from the project or from the index.

    Args:
        dataset: A dataset whose facts name an index.
        path: File or folder of the dataset.
        earlier: Entries of earlier runs, which the index may no longer list.

    Returns:
        The index; ``None`` if the dataset has none, or if it is missing or damaged.
    """
    stated = facts_of(type(dataset).__name__, dataset).index
    if not stated:
        return None
    name = stated if isinstance(stated, str) else Path(getattr(dataset, "_filepath", path)).name
    file = path / name if path.is_dir() else path
    listed = _read_json(file)
    if listed is None:
        return None
    named = (text.removeprefix("file://") for key, text in _strings(listed) if key in _PATHS)
    places = {text: _named_path(text, file) for text in dict.fromkeys(named) if "://" not in text}
    by_path = {text: _files_at(path) for text, path in places.items() if path is not None}
    missing = tuple(text for text, path in places.items() if path is None)
    return Index(file, {**_entries_beside(file, [listed, *earlier]), **by_path}, missing)


def content_of(dataset: Dataset, path: Path, hashes: ContentHashes) -> str:
    """Hash the content of a dataset.

    Args:
        dataset: Any dataset of a catalog.
        path: Where its content lies, or lay; need not be its own path today.
        hashes: Hashes of files.

    Returns:
        SHA-256; :data:`~mining_the_mines.core.hashing.NOTHING` for what is volatile or missing.
    """
    facts = facts_of(type(dataset).__name__, dataset)
    if facts.volatile:
        return NOTHING
    if isinstance(dataset, AnswersItself):
        return dataset.content_hash(path, hashes)
    if not facts.index:
        sidecars = with_sidecars(path)
        content = hashes.of(path) if sidecars == [path] else hashes.of_files(sidecars, path.parent)
        layer = getattr(dataset, "layer", None)  # of a file with several
        return content if layer is None else hash_values([content, layer])
    index = read_index(dataset, path)
    if index is None:
        return hashes.of(path) if path.is_file() else NOTHING
    return hash_values([hashes.of(index.file), [hashes.of(file) for file in index.files]])


def parts_of(dataset: Dataset, path: Path) -> dict[str, str]:
    """Content hashes of the entries of a dataset with an index, by name; empty for other datasets."""
    index = read_index(dataset, path)
    return {} if index is None else index.parts()


def place_of(dataset: Dataset) -> Path | None:
    """Path that a dataset is read from; ``None`` if it is in memory, no file was given or no version is there yet."""
    if isinstance(dataset, AbstractVersionedDataset):
        try:
            return Path(dataset._get_load_path())  # noqa: SLF001 - Kedro has no public name for it
        except VersionNotFoundError:
            return None
    place = getattr(dataset, "_filepath", None)
    return None if place is None else Path(place)


def state_of(name: str, dataset: Dataset, hashes: ContentHashes, project: Path) -> DatasetState:
    """Describe a dataset as it lies on disk.

    Args:
        name: Name in the catalog.
        dataset: The dataset.
        hashes: Hashes of files.
        project: Folder of the project.
    """
    path = place_of(dataset)
    if path is None:
        held = dataset.content_hash(project, hashes) if isinstance(dataset, AnswersItself) else NOTHING
        return DatasetState(dataset=name, content_hash=held)
    return DatasetState(
        dataset=name,
        version=dataset.resolve_load_version() if isinstance(dataset, AbstractVersionedDataset) else None,
        path=shown_path(path, project),
        content_hash=content_of(dataset, path, hashes),
        parts=parts_of(dataset, path),
        carried=facts_of(name, dataset).carried,
    )


def state_read(name: str, dataset: Dataset, hashes: ContentHashes, project: Path) -> DatasetState:
    """Describe what a node reads from a dataset: its content, or a model of the registry in its place."""
    model = dataset.find_registered() if isinstance(dataset, MayBeRegistered) else None
    if model is None:
        return state_of(name, dataset, hashes, project)
    return DatasetState(
        dataset=name,
        path=shown_path(model.folder, project),
        registered=model.registered,
        registered_by=model.registered_by,
        content_hash=hashes.of(model.folder),
    )


def shown_path(path: Path, project: Path) -> str:
    """A path as records write it: relative to the project if it lies there, else absolute."""
    absolute = path.absolute()
    return absolute.relative_to(project).as_posix() if absolute.is_relative_to(project) else str(absolute)


def with_sidecars(path: Path) -> list[Path]:
    """A file with the files beside it that belong to it, as those of a shapefile do; most files are alone."""
    if path.suffix.lower() not in _WITH_SIDECARS:
        return [path]
    return sorted(file for file in path.parent.glob(f"{glob.escape(path.stem)}.*") if file.is_file())


def place_of_version(dataset: Dataset, version: str) -> Path | None:
    """Path of a version of a dataset; ``None`` if the catalog keeps no versions of it."""
    if isinstance(dataset, AbstractVersionedDataset) and dataset._version is not None:  # noqa: SLF001 - no public name
        return Path(dataset._get_versioned_path(version))  # noqa: SLF001
    return None


def is_newest(dataset: Dataset, version: str) -> bool:
    """Whether no later version of a dataset lies on disk."""
    if not isinstance(dataset, AbstractVersionedDataset):
        return True
    try:
        return bool(version >= dataset.list_versions(full_path=False)[0])
    except (IndexError, VersionNotFoundError):
        return True


def read_version(dataset: Dataset, version: str | None) -> None:
    """Make a dataset load a version that an earlier run wrote."""
    if isinstance(dataset, AbstractVersionedDataset) and version is not None and dataset._version is not None:  # noqa: SLF001 - a catalog pins versions only before it makes its datasets
        dataset.release()
        dataset._version = Version(version, dataset._version.save)  # noqa: SLF001


def bring_forward(dataset: AbstractVersionedDataset[Any, Any], version: str) -> tuple[str, Path]:
    """Make an older version the version of this run, so that later runs load it too.

    Args:
        dataset: The dataset.
        version: The older version, whose files are hard-linked.

    Returns:
        The version of this run and its path.

    Raises:
        BadInputError: The disk is full, or the folder can't be written to.
    """
    new = dataset.resolve_save_version() or version
    source, target = (Path(dataset._get_versioned_path(each)) for each in (version, new))  # noqa: SLF001
    if source.is_dir():
        with whole_folder(target) as draft:
            shutil.copytree(source, draft, copy_function=link_or_copy, dirs_exist_ok=True)
    else:
        with whole_file(target) as draft:
            link_or_copy(source, draft)
    return new, target


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Hard-link a file; copy it where the file system has no links. A symbolic link is resolved first."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)


def _entries_beside(file: Path, listed: Any) -> dict[str, tuple[Path, ...]]:  # noqa: ANN401 - any JSON value
    names = {text for _, text in _strings(listed)}
    entries: dict[str, tuple[Path, ...]] = {}
    for beside in visible_files(file.parent):
        if beside != file:
            parts = beside.relative_to(file.parent).parts
            owner = next((name for part in parts for name in _stems(part) if name in names), None)
            if owner is not None:
                entries[owner] = (*entries.get(owner, ()), beside)
    return entries


def _files_at(path: Path) -> tuple[Path, ...]:
    return tuple(visible_files(path)) if path.is_dir() else (path,)


def _stems(name: str) -> Iterator[str]:
    """A file name, then the same without its suffixes, one after the other."""
    yield name
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _named_path(text: str, file: Path) -> Path | None:
    candidates = (Path(find(text, file)), file.parent / text)
    return next((path for path in candidates if os.path.exists(path)), None)  # noqa: PTH110 - any text may stand there


def _strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON value
    """Strings in a JSON value, each with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if name != _NAVIGATION:
                yield "", name
                yield from _strings(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part, key)


def _objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(part)


def _read_json(file: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # missing or damaged: the reader of the dataset says so
        return None
