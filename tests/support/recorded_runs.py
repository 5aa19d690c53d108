"""Ledgers as a few runs leave them, with the files that they tell of."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.hashing import NOTHING, ContentHashes, hash_values
from mining_the_mines.ledger.lineage import Witnesses
from mining_the_mines.ledger.records import CodeState, DatasetState, Environment, NodeRecord
from mining_the_mines.ledger.store import Ledger
from mining_the_mines.mapping.map_facts import MapFacts
from mining_the_mines.mapping.scene_map import MapRecord, write_record
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.composite_files import RECORD, CompositeRecord
from mining_the_mines.scenes.scene_list import SceneSelection, left_out_table
from support.stac_catalogs import region, series

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
RUN, LATER_RUN = "1" * 32, "2" * 32
VERSION = "2026-03-01T09.00.00.000Z"
CODE = CodeState(commit="c" * 40, dirty=False, diff_hash=None, package_hash="d" * 64)
ENVIRONMENT = Environment(lock_hash="e" * 64, python="3.11.9", packages={}, platform="Linux x86_64", device="cpu")
#: What nodes make in these projects.
MADE = ("composites", "raw_chips", "folds", "segmentation.segmenter", "scene_maps", "report", "scenes")


@dataclass
class Books:
    """A project and the records of its runs.

    Attributes:
        project: Its folder.
        run_id: Of the run under way.
        code: That it runs.
    """

    project: Path
    run_id: str = RUN
    code: CodeState = CODE
    _minutes: int = 0
    _parts: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        """Read anew, as a command does."""
        return Ledger(self.project / "data" / "ledger")

    def file(self, dataset: str, text: str, path: str, version: str | None = None) -> DatasetState:
        """Write a file of a dataset; a version lies in a folder of its own."""
        place = f"{path}/{version}/{Path(path).name}" if version else path
        (self.project / place).parent.mkdir(parents=True, exist_ok=True)
        (self.project / place).write_text(text, encoding="utf-8")
        return self.state(dataset, place, version)

    def state(
        self, dataset: str, path: str, version: str | None = None, parts: Mapping[str, str] | None = None
    ) -> DatasetState:
        """Tell what a dataset holds now."""
        self._parts[path] = dict(parts or {})
        held = ContentHashes().of(self.project / path)
        return DatasetState(dataset=dataset, version=version, path=path, content_hash=held, parts=self._parts[path])

    def record(
        self,
        node: str,
        inputs: Collection[DatasetState],
        outputs: Collection[DatasetState],
        function: str = "mining_the_mines.pipelines.somewhere:something",
        **parameters: Any,
    ) -> NodeRecord:
        """Write down that a node was done, a minute after the one before."""
        self._minutes += 1
        record = NodeRecord(
            node=node,
            key=hash_values([node, self._minutes]),
            run_id=self.run_id,
            finished=(START + timedelta(minutes=self._minutes)).isoformat(),
            seconds=1,
            function=function,
            code_hash="f" * 64,
            code=self.code,
            environment=ENVIRONMENT,
            parameters={f"params:{name}": value for name, value in parameters.items()},
            inputs=tuple(inputs),
            outputs=tuple(outputs),
        )
        self.ledger.add(record)
        return record

    @property
    def witnesses(self) -> Witnesses:
        """Of the files, and of what nodes make."""
        return Witnesses(self._now, lambda _run: MADE)

    def _now(self, state: DatasetState) -> DatasetState | None:
        path = self.project / (state.path or "")
        if not path.exists():
            return None
        parts = self._parts.get(state.path or "", {})
        return state.model_copy(update={"content_hash": ContentHashes().of(path), "parts": parts})


def memory(dataset: str, value: str = "value") -> DatasetState:
    """What is never written to a file."""
    return DatasetState(dataset=dataset, content_hash=hash_values([dataset, value]))


def nothing(dataset: str) -> DatasetState:
    """What nobody has named a file for."""
    return DatasetState(dataset=dataset, content_hash=NOTHING)


def tell_mapping(project: Path) -> Books:
    """A small run that has gone the whole way: four scenes, a composite, chips, a model, a map."""
    books = Books(project)
    archive = books.file("simulated_series", "{}", "data/01_raw/simulated/series.json").path or ""
    series_state = books.state("simulated_series", str(Path(archive).parent))
    drawn = books.file("mine_polygons", "polygons", "data/01_raw/simulated/mines.gpkg")
    series_state = books.state("simulated_series", str(Path(archive).parent))
    scenes = books.file("scenes", choose().to_json(), "data/01_raw/scenes.json", VERSION)
    books.record("acquisition.choose_scenes", [series_state], [scenes], acquisition={"source": "simulation"})
    composites = write_composite(books)
    books.record("preprocessing.composite_scenes", [scenes, drawn], [composites], compositing={"mask": "scl"})
    chips = books.file("raw_chips", "chips", "data/02_intermediate/chips/images/a.tif")
    chips = books.state("raw_chips", "data/02_intermediate/chips")
    books.record("preprocessing.cut_chips", [composites, drawn, nothing("chip_places")], [chips])
    folds = books.file("folds", "place,split\ntapajos/r0c0,train\ntapajos/r0c1,train\nguiana/r0c0,test\n",
                       "data/03_primary/folds.csv", VERSION)  # fmt: skip
    packed = books.file("packed_chips", "packed", "data/03_primary/packed_chips/pixels.npy")
    books.record("preprocessing.assign_folds", [chips], [folds, packed], folds={"folds": 2})
    network = books.file("segmentation.network", "weights", "data/06_models/network", VERSION)
    decision = books.file("segmentation.decision", '{"threshold": 0.625}', "data/08_reporting/decision.json", VERSION)
    books.record("segmentation.train_segmenter", [packed, folds], [network, decision],
                 "mining_the_mines.pipelines.training.nodes:train_segmenter", training={"epochs": 2})  # fmt: skip
    segmenter = books.file("segmentation.segmenter", "model", "data/06_models/segmenter", VERSION)
    books.record("segmentation.complete_segmenter", [network, decision], [segmenter])
    books.record("mapping.take_test_regions", [composites, folds], [memory("scenes_to_map")])
    maps = write_map(books)
    books.record("mapping.map_scenes", [memory("scenes_to_map"), segmenter, nothing("concessions")], [maps],
                 "mining_the_mines.pipelines.mapping.nodes:map_scenes", mapping={"overlap": 0.5})  # fmt: skip
    report = books.file("report", "<html>", "data/08_reporting/report.html", VERSION)
    books.record("reporting.write_report", [maps, folds], [report])
    return books


def choose() -> SceneSelection:
    """Four scenes of a region."""
    return SceneSelection("simulated", (region(),), {"tapajos": tuple(scene.item() for scene in series())},
                       left_out_table([]))  # fmt: skip


def write_composite(
    books: Books, content_hash: str = "c0" * 32, path: str = "data/02_intermediate/composites"
) -> DatasetState:
    """The composite of that region, as far as lineage looks at it."""
    folder = books.project / path
    (folder / "clear_dates").mkdir(parents=True, exist_ok=True)
    for name in ("tapajos.tif", "clear_dates/tapajos.tif"):
        (folder / name).write_bytes(b"pixels")
    days = tuple(scene.moment.date() for scene in series())
    record = CompositeRecord("tapajos", content_hash, days, ("03.01",), "median", (), ())
    (folder / "tapajos.composite.json").write_bytes(RECORD.dump_json(record))
    return books.state("composites", path, parts={"tapajos": content_hash})


def write_map(
    books: Books,
    content_hash: str = "3f2a9c81d0b4" + "0" * 52,
    image: Path | None = None,
    source: str | None = None,
    *,
    noted: bool = True,
) -> DatasetState:
    """The map of that region, or of another raster, as far as lineage looks at it."""
    folder = books.project / "data/07_model_output/maps/tapajos"
    folder.mkdir(parents=True, exist_ok=True)
    raster = image or books.project / "data/02_intermediate/composites/tapajos.tif"
    record = MapRecord(
        scene=Scene("tapajos", raster, source or str(raster), None, ()),
        facts=MapFacts("tapajos", "mine-segmenter", "444cf440cffa"),
        chips=ChipSettings(bands=("B2", "B3")),
        content_hash=content_hash,
        probability_hash="p" * 64,
        model_hash="m" * 64,
        seed=0.75,
        grow=0.625,
        coarse=False,
        mines=2,
        hectares=3.25,
        mapped_hectares=100.0,
        mapped_share=1.0,
        reviews=None,
        files={str(raster): ContentHashes().of(raster)} if noted else {},
    )
    write_record(record, folder)
    for name in ("probability.tif", "mines.parquet", "mines.gpkg"):
        (folder / name).write_bytes(b"map")
    asset = {"href": "./mines.gpkg", "file:checksum": f"1220{hashlib.sha256(b'map').hexdigest()}"}
    (folder / "item.json").write_text(json.dumps({"assets": {"mines": asset}}), encoding="utf-8")
    return books.state("scene_maps", "data/07_model_output/maps", parts={"tapajos": content_hash})
