"""Records of runs, and ledgers with the files that they describe."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from mining_the_mines.core.hashing import NOTHING, ContentHashes, hash_values
from mining_the_mines.ledger.catalog_facts import Content, DatasetFacts
from mining_the_mines.ledger.records import (
    CodeState,
    DatasetState,
    Environment,
    Ledger,
    NodeRecord,
    RunRecord,
    RunRequest,
)
from support.stac_catalogs import series

START: Final = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
RUN, LATER_RUN = "1" * 32, "2" * 32
VERSION: Final = "2026-03-01T09.00.00.000Z"
CODE: Final = CodeState(commit="c" * 40, dirty=False, diff_hash=None, package_hash="d" * 64)
ENVIRONMENT: Final = Environment(
    lock_hash="e" * 64, python="3.11.9", packages={"torch": "2.15.0"}, platform="Linux x86_64", device="cpu"
)
#: Datasets that nodes make in these projects.
MADE: Final = ("composites", "raw_chips", "folds", "segmentation.segmenter", "scene_maps", "report", "scenes")
CONTENTS: Final[dict[str, Content]] = {
    "simulated_series": "simulation", "scenes": "scenes", "composites": "composites", "packed_chips": "chips",
    "folds": "folds", "segmentation.decision": "decision", "segmentation.segmenter": "model", "scene_maps": "maps",
    "judged_places": "answers",
}  # fmt: skip
FACTS: Final = {
    **{name: DatasetFacts(holds=content) for name, content in CONTENTS.items()},
    "segmentation.network": DatasetFacts(networks=True),
    "segmentation.workspace": DatasetFacts(volatile=True),
    "run_facts": DatasetFacts(volatile=True),
}


def state(name: str, content_hash: str = "", path: str | None = "") -> DatasetState:
    """A dataset; by default below data, with its name as content."""
    place = f"data/{name}" if path == "" else path
    return DatasetState(dataset=name, path=place, content_hash=content_hash or hash_values(name))


def memory(dataset: str, value: str = "value") -> DatasetState:
    """A dataset in memory."""
    return DatasetState(dataset=dataset, content_hash=hash_values([dataset, value]))


def nothing(dataset: str) -> DatasetState:
    """An optional file that was not given."""
    return DatasetState(dataset=dataset, content_hash=NOTHING)


def node(
    name: str, inputs: Sequence[str | DatasetState], outputs: Sequence[str | DatasetState], **changes: Any
) -> NodeRecord:
    """A node that has run."""
    fields: dict[str, Any] = {
        "node": name, "key": hash_values(name), "run_id": RUN, "finished": START.isoformat(), "seconds": 1,
        "function": f"nodes:{name}", "code_hash": "f" * 64, "code": CODE, "environment": ENVIRONMENT, "parameters": {},
        "inputs": tuple(state(each) if isinstance(each, str) else each for each in inputs),
        "outputs": tuple(state(each) if isinstance(each, str) else each for each in outputs),
    }  # fmt: skip
    return NodeRecord(**{**fields, **changes})


def run(*nodes: NodeRecord, **changes: Any) -> RunRecord:
    """A run of nodes."""
    fields: dict[str, Any] = {
        "run_id": RUN, "request": RunRequest(), "parameters": {}, "catalog_hash": "0" * 64, "code": CODE,
        "environment": ENVIRONMENT, "nodes": nodes,
    }  # fmt: skip
    return RunRecord(**{**fields, **changes})


@dataclass
class RecordedProject:
    """A project with a ledger.

    Attributes:
        folder: Folder of the project.
        run_id: Run that nodes are recorded for.
        code: State of the code that they run.
    """

    folder: Path
    run_id: str = RUN
    code: CodeState = CODE
    _minutes: int = 0
    _parts: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        """The ledger, read anew as a command does."""
        return Ledger(self.folder / "data" / "ledger")

    def facts(self, dataset: str) -> DatasetFacts:
        """Facts that the catalog of the project states."""
        return FACTS.get(dataset, DatasetFacts())

    def made(self, run_id: str) -> Collection[str]:  # noqa: ARG002 - one pipeline for all runs
        """Datasets that nodes make."""
        return MADE

    def read_record(self, state: DatasetState, part: str) -> dict[str, Any]:
        """The record of a map."""
        return dict(json.loads((self.folder / str(state.path) / part / "map.json").read_text(encoding="utf-8")))

    def file(self, dataset: str, text: str, path: str, version: str | None = None) -> DatasetState:
        """Write the file of a dataset."""
        place = f"{path}/{version}/{Path(path).name}" if version else path
        (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / place).write_text(text, encoding="utf-8")
        return self.state(dataset, place, version)

    def state(
        self, dataset: str, path: str, version: str | None = None, parts: Mapping[str, str] | None = None
    ) -> DatasetState:
        """Describe a dataset as it lies on disk."""
        self._parts[path] = dict(parts or {})
        held = ContentHashes().of(self.folder / path)
        return DatasetState(dataset=dataset, version=version, path=path, content_hash=held, parts=self._parts[path])

    def record(
        self, name: str, inputs: Collection[DatasetState], outputs: Collection[DatasetState], **changes: Any
    ) -> NodeRecord:
        """Record a node, one minute after the one before."""
        self._minutes += 1
        finished = (START + timedelta(minutes=self._minutes)).isoformat()
        fields = {"key": hash_values([name, self._minutes]), "run_id": self.run_id, "code": self.code}
        record = node(name, list(inputs), list(outputs), **{**fields, "finished": finished, **changes})
        self.ledger.add(record)
        return record

    def now(self, state: DatasetState, run_id: str) -> DatasetState | None:  # noqa: ARG002 - one catalog for all runs
        """The state of a dataset's path today."""
        path = self.folder / (state.path or "")
        if not path.exists():
            return None
        parts = self._parts.get(state.path or "", {})
        return state.model_copy(update={"content_hash": ContentHashes().of(path), "parts": parts})


def record_mapping(folder: Path) -> RecordedProject:
    """A small run from four scenes over a composite, chips and a model to a map and a report."""
    project = RecordedProject(folder)
    archive = "data/01_raw/simulated"
    project.file("simulated_series", "{}", f"{archive}/series.json")
    polygons = project.file("mine_polygons", "polygons", f"{archive}/mines.gpkg")
    listed = json.dumps({"items": {"tapajos": [scene.item() for scene in series()]}})
    scenes = project.file("scenes", listed, "data/01_raw/scenes.json", VERSION)
    project.record("acquisition.select_scenes", [project.state("simulated_series", archive)], [scenes])
    composites = write_composite(project)
    project.record("compositing.make_composites", [scenes, polygons], [composites])
    project.file("raw_chips", "chips", "data/02_intermediate/chips/images/a.tif")
    chips = project.state("raw_chips", "data/02_intermediate/chips")
    project.record("preprocessing.cut_chips", [composites, polygons, nothing("chip_places")], [chips])
    table = "place,split\ntapajos/r0c0,train\ntapajos/r0c1,train\nguiana/r0c0,test\n"
    folds = project.file("folds", table, "data/03_primary/folds.csv", VERSION)
    packed = project.file("packed_chips", "packed", "data/03_primary/packed_chips/pixels.npy")
    project.record("preprocessing.assign_folds", [chips], [folds, packed])
    network = project.file("segmentation.network", "weights", "data/06_models/network", VERSION)
    decision = project.file("segmentation.decision", '{"threshold": 0.625}', "data/08_reporting/decision.json", VERSION)
    function = "mining_the_mines.pipelines.training.nodes:train_segmenter"
    training = {"params:training": {"epochs": 2}}
    project.record(
        "segmentation.train_segmenter", [packed, folds], [network, decision], function=function, parameters=training
    )
    segmenter = project.file("segmentation.segmenter", "model", "data/06_models/segmenter", VERSION)
    project.record("segmentation.complete_segmenter", [network, decision], [segmenter])
    project.record("mapping.take_test_regions", [composites, folds], [memory("scenes_to_map")])
    maps = write_map(project)
    settings = {"params:mapping": {"overlap": 0.5}}
    inputs = [memory("scenes_to_map"), segmenter, nothing("concessions")]
    project.record("mapping.map_scenes", inputs, [maps], parameters=settings)
    report = project.file("report", "<html>", "data/08_reporting/report.html", VERSION)
    project.record("reporting.write_report", [maps, folds], [report])
    return project


def write_composite(
    project: RecordedProject, content_hash: str = "c0" * 32, path: str = "data/02_intermediate/composites"
) -> DatasetState:
    """The composite of a region with its record and the index of its folder."""
    folder = project.folder / path
    (folder / "clear_dates").mkdir(parents=True, exist_ok=True)
    for name in ("tapajos.tif", "clear_dates/tapajos.tif"):
        (folder / name).write_bytes(b"pixels")
    record = {"region": "tapajos", "content_hash": content_hash, "method": "median", "faults": []}
    (folder / "tapajos.composite.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "composites.json").write_text('{"regions": ["tapajos"]}', encoding="utf-8")
    return project.state("composites", path, parts={"tapajos": content_hash})


def write_map(
    project: RecordedProject,
    content_hash: str = "3f2a9c81d0b4" + "0" * 52,
    image: Path | None = None,
    source: str | None = None,
) -> DatasetState:
    """The map of a region, or of another raster, with its record and the index of its folder."""
    maps = project.folder / "data/07_model_output/maps"
    folder = maps / "tapajos"
    folder.mkdir(parents=True, exist_ok=True)
    raster = image or project.folder / "data/02_intermediate/composites/tapajos.tif"
    record = {
        "scene": {"name": "tapajos", "image": str(raster), "source": source or str(raster), "dates": []},
        "facts": {"scene": "tapajos", "model": "mine-segmenter", "model_version": "444cf440cffa"},
        "content_hash": content_hash, "seed": 0.75, "grow": 0.625, "mines": 2, "hectares": 3.25,
        "files": {str(raster): ContentHashes().of(raster)},
    }  # fmt: skip
    (folder / "map.json").write_text(json.dumps(record), encoding="utf-8")
    for name in ("probability.tif", "mines.parquet", "mines.gpkg"):
        (folder / name).write_bytes(b"map")
    asset = {"href": "./mines.gpkg", "file:checksum": f"1220{hashlib.sha256(b'map').hexdigest()}"}
    (folder / "item.json").write_text(json.dumps({"assets": {"mines": asset}}), encoding="utf-8")
    (maps / "maps.json").write_text('{"scenes": ["tapajos"], "unmapped": []}', encoding="utf-8")
    return project.state("scene_maps", "data/07_model_output/maps", parts={"tapajos": content_hash})
