"""Downloads the registered models that ``--params=classifier=models:/…`` and ``segmenter=models:/…`` name."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog

from mining_the_mines.datasets.models import CompleteModelDataset
from mining_the_mines.hooks.tracking import default_store
from mining_the_mines.tracking.store import read_store


class ModelFetching:
    """Downloads models before the run begins, so that their datasets only read."""

    def __init__(self) -> None:
        self._address: str | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Read where the registry is: MLflow knows it only once the run has begun."""
        self._address = read_store(context.config_loader, Path(context.project_path)).address

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog, conf_catalog: dict[str, Any]) -> None:
        """Download the models that datasets are to read in place of their own.

        Raises:
            RegistryError: There is no such model, or it can't be used.
        """
        for name, entry in conf_catalog.items():
            if not isinstance(entry, dict) or not entry.get("registered"):
                continue
            dataset = catalog.get(name)
            if isinstance(dataset, CompleteModelDataset) and dataset.registered is not None:
                from mining_the_mines.pipelines.registration.registered_models import fetch_model

                folder = catalog.load("registered_models")
                with nullcontext() if self._address is None else default_store(self._address):
                    dataset.source = fetch_model(dataset.registered, folder, dataset.task)
