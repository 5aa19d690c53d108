"""``kedro lineage``: where a result comes from."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from mining_the_mines.core.hashing import ContentHashes
    from mining_the_mines.ledger.catalog_facts import DatasetFacts
    from mining_the_mines.ledger.records import DatasetState, Ledger

#: Pipelines for prebuilt chips.
_WAYS: Final = frozenset({"classification", "segmentation"})
#: Columns of output to a file or another program.
_WIDTH: Final = 100


@click.command()
@click.argument("what")
@click.option("--json", "as_values", is_flag=True, help="Print JSON with all details.")
@click.option("--depth", type=click.IntRange(min=0), help="Number of steps back to show; by default all.")
def lineage(what: str, as_values: bool, depth: int | None) -> None:
    """Show the images, model, code and raw data behind WHAT, step by step.

    WHAT is a dataset, DATASET:VERSION, DATASET:HASH with the first digits of a content hash, the attribute lineage_id
    of a polygon on a map, or the path of a file below data/.
    """
    from mining_the_mines.core.hashing import ContentHashes
    from mining_the_mines.ledger.lineage import find_subject, trace
    from mining_the_mines.ledger.lineage_answer import answer
    from mining_the_mines.ledger.lineage_text import describe, draw
    from mining_the_mines.ledger.recorder import MEMORY
    from mining_the_mines.ledger.records import Ledger

    project = Path.cwd()
    ledger = Ledger.of_project(project)
    subject = find_subject(what, ledger, project)
    hashes = ContentHashes(ledger.folder / MEMORY)
    catalog = _ProjectCatalog(project, ledger, hashes)
    found = trace(subject, ledger, catalog)
    answered = answer(found, project, hashes, catalog, depth)
    hashes.remember()
    if as_values:
        click.echo(json.dumps(answered, indent=1))
        return
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    click.echo(f"{describe(found, answered)}\n")
    console.print(draw(found, depth))


class _ProjectCatalog:
    """A project today, read through the catalogs of the environments that its runs had."""

    def __init__(self, project: Path, ledger: "Ledger", hashes: "ContentHashes") -> None:
        from kedro.framework.startup import bootstrap_project

        bootstrap_project(project)
        self._project = project
        self._ledger = ledger
        self._hashes = hashes
        self._of_run = cache(self._find_catalog)
        self._of_env = cache(self._read_catalog)

    def facts(self, dataset: str) -> "DatasetFacts":
        """Facts about a dataset, in the base environment."""
        from mining_the_mines.ledger.catalog_facts import facts_of

        return facts_of(dataset, self._of_env(None).get(dataset))

    def made(self, run_id: str) -> frozenset[str]:
        """Datasets that nodes make in the pipelines of a run; in the default one for an unknown run."""
        from kedro.framework.project import pipelines

        run = self._ledger.run(run_id)
        # A stage reads outputs of earlier stages: only a whole way for prebuilt chips tells what it does not make.
        ways = _WAYS.intersection(run.request.pipeline_names if run is not None else ())
        return frozenset(name for way in ways or {"__default__"} for name in pipelines[way].all_outputs())

    def now(self, state: "DatasetState", run_id: str) -> "DatasetState | None":
        """The state of a dataset's path today; ``None`` if nothing lies there."""
        from kedro.io import DatasetError

        from mining_the_mines.core.hashing import NOTHING
        from mining_the_mines.ledger.states import content_of, read_index

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

    def read_record(self, state: "DatasetState", part: str) -> dict[str, Any] | None:
        """The JSON record of a part of a dataset."""
        from mining_the_mines.ledger.states import read_index

        dataset = self._of_env(None).get(state.dataset)
        index = None if dataset is None else read_index(dataset, self._project / (state.path or ""), [part])
        return None if index is None else index.record(part)

    def _find_catalog(self, run_id: str) -> Any:  # noqa: ANN401 - Kedro's catalog
        run = self._ledger.run(run_id)
        return self._of_env(None if run is None else run.request.env)

    def _read_catalog(self, env: str | None) -> Any:  # noqa: ANN401 - Kedro's catalog
        from kedro.framework.project import settings
        from kedro.io import DataCatalog

        given = {**settings.CONFIG_LOADER_ARGS, **({"default_run_env": env} if env else {})}
        loader = settings.CONFIG_LOADER_CLASS(conf_source=str(self._project / settings.CONF_SOURCE), **given)
        return DataCatalog.from_config(loader["catalog"])
