"""``kedro lineage``: where a file came from."""

import json
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from mining_the_mines.core.hashing import ContentHashes
    from mining_the_mines.ledger.records import DatasetState
    from mining_the_mines.ledger.store import Ledger

#: Columns of what goes to a file or another program.
_WIDTH: Final = 100
#: Says of a checksum in a STAC item that it is a SHA-256 of 32 bytes (multihash; STAC's file extension).
_SHA_256: Final = "1220"


@click.command()
@click.argument("what")
@click.option("--json", "as_values", is_flag=True, help="Everything, for machines.")
@click.option("--depth", type=click.IntRange(min=0), help="How many steps back are shown; by default all.")
def lineage(what: str, as_values: bool, depth: int | None) -> None:
    """Tell where WHAT came from: which images, model and code stand behind it, step by step back to raw inputs.

    WHAT is a dataset, DATASET:VERSION, DATASET:HASH with the first digits of a content hash, the attribute "origin" of
    a polygon on a map, or the path of a file below data/.
    """
    from mining_the_mines.core.hashing import ContentHashes
    from mining_the_mines.ledger.lineage import Witnesses, trace
    from mining_the_mines.ledger.lineage_subject import find_subject
    from mining_the_mines.ledger.lineage_summary import gather
    from mining_the_mines.ledger.recorder import LEDGER
    from mining_the_mines.ledger.store import Ledger

    project = Path.cwd()
    ledger = Ledger(project / "data" / LEDGER)
    subject = find_subject(what, ledger, project)
    hashes = ContentHashes(ledger.folder / "hashes.json")
    witnesses = Witnesses(_what_lies_there(project, hashes), _made_by_nodes(ledger))
    found = trace(subject.state, ledger, witnesses, subject.part, subject.reader)
    answer = gather(found, project, hashes)
    hashes.remember()
    if as_values:
        from mining_the_mines.ledger.lineage_json import as_json

        click.echo(json.dumps(as_json(found, answer, depth), indent=1))
        return
    from rich.console import Console

    from mining_the_mines.ledger.lineage_text import describe, draw

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    click.echo(f"{describe(found, answer)}\n")
    console.print(draw(found, depth))


def _what_lies_there(project: Path, hashes: "ContentHashes") -> "Callable[[DatasetState], DatasetState | None]":
    """Look at the disk as datasets of the catalog do."""
    from kedro.io import DataCatalog, DatasetError

    from mining_the_mines.core.hashing import NOTHING
    from mining_the_mines.ledger.lineage import MAPS
    from mining_the_mines.ledger.states import HasParts

    catalog = DataCatalog.from_config(_configuration(project)["catalog"])

    def look(state: "DatasetState") -> "DatasetState | None":
        path = project / (state.path or "")
        if not path.exists():
            return None
        dataset: Any = catalog.get(state.dataset)
        try:
            held = _hash_there(dataset, path, hashes)
            if state.dataset == MAPS:
                parts = _intact_maps(state, path, hashes)
            else:
                parts = dataset.parts(path) if isinstance(dataset, HasParts) else {}
        except (DatasetError, OSError, ValueError, KeyError):  # what can't be read any more is not what it was
            held, parts = NOTHING, {}
        return state.model_copy(update={"content_hash": held, "parts": parts})

    return look


def _intact_maps(state: "DatasetState", folder: Path, hashes: "ContentHashes") -> dict[str, str]:
    """Maps whose files are as they were made, also those of earlier runs, which the list of maps no longer names."""
    from mining_the_mines.mapping.scene_map import ITEM, read_map

    intact = {}
    for name in state.parts:
        found = read_map(folder, name)
        if found is None or not (found.folder / ITEM).is_file():
            continue
        assets = json.loads((found.folder / ITEM).read_text(encoding="utf-8"))["assets"].values()
        sums = [(found.folder / asset["href"], asset["file:checksum"]) for asset in assets]
        if all(checksum == _SHA_256 + hashes.of(path) for path, checksum in sums):
            intact[name] = found.record.content_hash
    return intact


def _hash_there(dataset: Any, path: Path, hashes: "ContentHashes") -> str:  # noqa: ANN401 - any dataset, or none
    """Hash what a dataset holds as it is: one that makes itself when it is asked is not asked by who only looks."""
    from mining_the_mines.datasets.scenes import SimulatedSeriesDataset
    from mining_the_mines.ledger.states import hash_at

    if isinstance(dataset, SimulatedSeriesDataset):
        return dataset.hash_there(path, hashes)
    return hashes.of(path) if dataset is None else hash_at(dataset, path, hashes)


def _made_by_nodes(ledger: "Ledger") -> Callable[[str], Collection[str]]:
    """Know what nodes make in a run: of prebuilt chips, the pipelines of one task; else all stages."""
    from mining_the_mines.pipeline_registry import register_pipelines

    pipelines = register_pipelines()

    @cache
    def made(run_id: str) -> Collection[str]:
        run = ledger.run(run_id)
        ways = {"classification", "segmentation"} & set(run.request.pipeline_names if run is not None else ())
        return frozenset(name for way in ways or ("__default__",) for name in pipelines[way].all_outputs())

    return made


def _configuration(project: Path) -> Any:  # noqa: ANN401 - Kedro's loaders have no common type
    from kedro.framework.project import settings
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(project)
    return settings.CONFIG_LOADER_CLASS(conf_source=str(project / settings.CONF_SOURCE), **settings.CONFIG_LOADER_ARGS)
