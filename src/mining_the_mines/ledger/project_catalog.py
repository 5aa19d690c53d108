"""A project's configuration and catalog today, which lineage compares with the records."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from kedro.config import AbstractConfigLoader
from kedro.framework.project import configure_project, pipelines, settings
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, DatasetError

from mining_the_mines.core.code_hash import PACKAGE
from mining_the_mines.core.hashing import NOTHING, ContentHashes
from mining_the_mines.ledger.catalog_facts import DatasetFacts, facts_of
from mining_the_mines.ledger.records import DatasetState, Ledger
from mining_the_mines.ledger.states import content_of, read_index

#: Pipelines for prebuilt chips.
_WAYS: Final = frozenset({"classification", "segmentation"})


class ProjectCatalog:
    """A project today, read through the catalogs of the environments that its runs had."""

    def __init__(self, project: Path, ledger: Ledger, hashes: ContentHashes) -> None:
        self._project = project
        self._ledger = ledger
        self._hashes = hashes
        self._of_run = cache(self._find_catalog)
        self._of_env = cache(self._read_catalog)

    def facts(self, dataset: str) -> DatasetFacts:
        """Facts about a dataset, in the base environment."""
        return facts_of(dataset, self._of_env(None).get(dataset))

    def made(self, run_id: str) -> frozenset[str]:
        """Datasets that nodes make in the pipelines of a run; in the default one for an unknown run."""
        run = self._ledger.run(run_id)
        # A stage reads outputs of earlier stages: only a whole way for prebuilt chips tells what it does not make.
        ways = _WAYS.intersection(run.request.pipeline_names if run is not None else ())
        return frozenset(name for way in ways or {"__default__"} for name in pipelines[way].all_outputs())

    def now(self, state: DatasetState, run_id: str) -> DatasetState | None:
        """The state of a dataset's path today; ``None`` if nothing lies there."""
        path = self._project / (state.path or "")
        if not path.exists():
            return None
        dataset = self._of_run(run_id).get(state.dataset)
        if dataset is None:
            return state.model_copy(update={"content_hash": self._hashes.of(path)})
        if path.is_dir() and Path(getattr(dataset, "_filepath", "")).suffix and read_index(dataset, path) is None:
            return state.model_copy(update={"content_hash": ""})  # a folder then, a file now
        try:
            held = content_of(dataset, path, self._hashes)
            index = read_index(dataset, path, state.parts)
            if index is not None and path.is_dir() and self._hashes.of_files(index.files, path) == state.content_hash:
                held = state.content_hash  # older versions hash the files without the index
            parts = {} if index is None else index.parts()
            parts = {name: part for name, part in parts.items() if index and index.is_intact(name, self._hashes)}
        except (DatasetError, OSError, ValueError, KeyError):  # unreadable, so not as recorded
            held, parts = NOTHING, {}
        return state.model_copy(update={"content_hash": held, "parts": parts})

    def read_record(self, state: DatasetState, part: str) -> dict[str, Any] | None:
        """The JSON record of a part of a dataset."""
        dataset = self._of_env(None).get(state.dataset)
        index = None if dataset is None else read_index(dataset, self._project / (state.path or ""), [part])
        return None if index is None else index.record(part)

    def _find_catalog(self, run_id: str) -> Any:  # noqa: ANN401 - Kedro's catalog
        run = self._ledger.run(run_id)
        return self._of_env(None if run is None else run.request.env)

    def _read_catalog(self, env: str | None) -> Any:  # noqa: ANN401 - Kedro's catalog
        return DataCatalog.from_config(config_loader(self._project, env)["catalog"])


def is_project(folder: Path) -> bool:
    """Whether a folder is a Kedro project, and not only one that the installed package runs in."""
    return (folder / "pyproject.toml").is_file()


def config_loader(project: Path, env: str | None = None) -> AbstractConfigLoader:
    """Read the configuration of a project, or in a folder without one, that of the package.

    Args:
        project: Its folder.
        env: Environment; Kedro's default by default.
    """
    if is_project(project):
        bootstrap_project(project)
    else:
        configure_project(PACKAGE)
    given = {**settings.CONFIG_LOADER_ARGS, **({"default_run_env": env} if env else {})}
    loader: AbstractConfigLoader = settings.CONFIG_LOADER_CLASS(
        conf_source=str(project / settings.CONF_SOURCE), **given
    )
    return loader


def data_folder(loader: AbstractConfigLoader, project: Path) -> Path:
    """Return the data folder of the environment, which ``globals.yml`` names.

    Args:
        loader: Kedro's configuration loader.
        project: Folder of the project.
    """
    return project / str(dict(loader["globals"]).get("data", "data"))
