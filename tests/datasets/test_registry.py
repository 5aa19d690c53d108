"""A model's way into the registry and out of it again."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grimp
import mlflow
import numpy as np
import pytest
import torch
from kedro.io import DataCatalog, DatasetError
from kedro.io.core import Version
from kedro.pipeline.node import Node

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import NOTHING, ContentHashes
from mining_the_mines.datasets.files import JsonFile
from mining_the_mines.datasets.model_packages import read_package
from mining_the_mines.datasets.models import ClassifierDataset, SegmenterDataset
from mining_the_mines.datasets.registry import ChampionDataset, ModelPackageDataset, RegisteredModelDataset
from mining_the_mines.ledger.recorder import RunRecorder
from mining_the_mines.ledger.states import state_of, state_read
from mining_the_mines.models.ensemble_files import StoredEnsemble
from mining_the_mines.models.export import describe
from mining_the_mines.models.mine_segmenter import MineSegmenter
from mining_the_mines.registry.champion import RegistryView
from mining_the_mines.registry.compatibility import decide_beforehand
from mining_the_mines.registry.package import ModelPackage, StoredPackage
from mining_the_mines.registry.seen_chips import hash_chips
from mining_the_mines.tracking.registry import Registration, find_version
from support.chip_files import packed_chips
from support.networks import SIX_BANDS, random_reflectance, small_outline_ensemble, small_segmenter_spec
from support.registered_models import SETTINGS, facts

SIZE = 32
NAME = "mine-segmenter"


def segmenter(members: int = 1) -> MineSegmenter:
    """A segmenter with random weights."""
    stored = StoredEnsemble(small_outline_ensemble(members), small_segmenter_spec(), SIZE)
    return MineSegmenter(ChipSettings(bands=SIX_BANDS, size=SIZE), stored)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> StoredPackage:
    """A package as the pipeline writes it; to export a model takes seconds."""
    model, chips = segmenter(), packed_chips(3)
    dataset = ModelPackageDataset(filepath=str(tmp_path_factory.mktemp("package") / "segmenter_package"))
    known = hash_chips(chips, chips.filenames)
    dataset.save(ModelPackage(model, describe(model), facts().model_copy(update={"name": NAME}), "# Card\n", known))
    return dataset.load()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, package: StoredPackage) -> Path:
    """A registry that holds the model, in a file."""
    path = tmp_path_factory.mktemp("registry") / "mlflow.db"
    mlflow.set_tracking_uri(f"sqlite:///{path}")
    RegisteredModelDataset(name=NAME).save(registration(package))
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type] # which unsets it
    return path


@pytest.fixture
def _registry(database: Path, tmp_path: Path) -> Iterator[None]:
    """The registry, for this test alone."""
    shutil.copy(database, tmp_path / "mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    yield
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type] # which unsets it


def registration(package: StoredPackage) -> Registration:
    return Registration(
        NAME, package.folder, package.content_hash, package.card, {}, {}, becomes_champion=True, champion_version="",
    )  # fmt: skip


def test_a_package_holds_what_strangers_load_and_what_this_project_goes_on_with(package: StoredPackage) -> None:
    files = {path.relative_to(package.folder).as_posix() for path in package.folder.rglob("*") if path.is_file()}
    assert {
        "MLmodel", "model_card.md", "mlm_item.json", "training_chips.parquet", "registration.json", "description.json",
        "native/network.safetensors", "native/chips.json",
    } <= files  # fmt: skip
    item = json.loads((package.folder / "mlm_item.json").read_text())
    assert (package.folder / item["assets"]["model"]["href"]).is_file()
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".pt", ".pth"))]


def test_mlflow_loads_the_package_and_it_says_what_the_model_says(package: StoredPackage) -> None:
    chips = random_reflectance(2, size=SIZE)
    expected = segmenter().predict(chips)
    program = next(package.folder.rglob("model.pt2"))
    with torch.no_grad():
        found = torch.export.load(program).module()(torch.from_numpy(chips)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert mlflow.models.Model.load(package.folder).signature is not None


def test_a_model_that_is_served_by_other_code_is_another_model(package: StoredPackage, tmp_path: Path) -> None:
    again = shutil.copytree(package.folder, tmp_path / "again")
    assert read_package(again).content_hash == package.content_hash
    (again / "served_model.py").write_text("# other code\n")
    assert read_package(again).content_hash != package.content_hash


def test_code_that_serves_models_counts_among_what_packages_stand_on() -> None:
    graph = grimp.build_graph("mining_the_mines", cache_dir=None)
    upstream = graph.find_upstream_modules("mining_the_mines.datasets.registry")
    assert "mining_the_mines.registry.served_model" in upstream


@pytest.mark.usefixtures("_registry")
@pytest.mark.parametrize("address", [f"models:/{NAME}@champion", f"models:/{NAME}/1"])
def test_a_registered_model_predicts_to_the_last_bit_as_it_did(tmp_path: Path, address: str) -> None:
    dataset = SegmenterDataset(
        filepath=str(tmp_path / "nothing_here"), registered=address, fetched=str(tmp_path / "fetched")
    )
    assert dataset.exists()
    model = dataset.load()
    chips = random_reflectance(2, size=SIZE)
    np.testing.assert_array_equal(model.predict(chips), segmenter().predict(chips))
    assert model.source is not None
    assert model.source.version == f"{NAME} 1"


@pytest.mark.usefixtures("_registry")
def test_books_tell_a_registered_model_that_is_read_from_the_local_one_that_is_written(tmp_path: Path) -> None:
    versioned = Version(None, "2026-01-01T00.00.00.000Z")
    dataset = SegmenterDataset(
        filepath=str(tmp_path / "segmenter"), version=versioned, registered=f"models:/{NAME}/1",
        fetched=str(tmp_path / "fetched"),
    )  # fmt: skip
    read = state_read("segmentation.segmenter", dataset, ContentHashes(), tmp_path)
    assert (read.version, read.registered) == (None, f"{NAME} 1")
    assert read.content_hash == ContentHashes().of(tmp_path / str(read.path)) != NOTHING
    dataset.save(segmenter(members=2))
    written = state_of("segmentation.segmenter", dataset, ContentHashes(), tmp_path)
    assert (written.version, written.registered) == (versioned.save, None)
    assert written.path == f"segmenter/{versioned.save}/segmenter"
    assert written.content_hash not in {read.content_hash, NOTHING}
    assert state_read("segmentation.segmenter", dataset, ContentHashes(), tmp_path) == read


@pytest.mark.usefixtures("_registry")
def test_a_model_that_answers_another_question_is_told_in_one_sentence(tmp_path: Path) -> None:
    dataset = ClassifierDataset(
        filepath=str(tmp_path / "x"), registered=f"models:/{NAME}/1", fetched=str(tmp_path / "fetched")
    )
    with pytest.raises(DatasetError) as told:
        dataset.load()
    assert isinstance(told.value.__cause__, BadInputError)
    assert "is a model for segmentation, and one for classification is wanted" in str(told.value.__cause__)


@pytest.mark.usefixtures("_registry")
def test_files_that_are_not_those_that_were_registered_are_not_trusted(tmp_path: Path) -> None:
    dataset = SegmenterDataset(
        filepath=str(tmp_path / "x"), registered=f"models:/{NAME}/1", fetched=str(tmp_path / "fetched")
    )
    origin = dataset.find()
    (origin.folder / "chips.json").write_text("{}")
    with pytest.raises(BadInputError, match="are not those that were registered"):
        dataset.find()


@pytest.mark.usefixtures("_registry")
def test_a_model_of_somebody_else_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/MLmodel").write_text("{}")
    mlflow.MlflowClient().create_model_version(NAME, str(tmp_path / "foreign"))
    dataset = SegmenterDataset(
        filepath=str(tmp_path / "x"), registered=f"models:/{NAME}/2", fetched=str(tmp_path / "fetched")
    )
    with pytest.raises(BadInputError, match="registered by something else than this project"):
        dataset.find()


@pytest.mark.usefixtures("_registry")
def test_the_champion_comes_with_the_chips_that_it_was_trained_on(tmp_path: Path, package: StoredPackage) -> None:
    view = ChampionDataset(name=NAME, fetched=str(tmp_path / "fetched")).load()
    assert view.champion is not None
    assert (view.champion.version, view.champion.content_hash) == ("1", package.content_hash)
    assert view.champion.training_chips["filename"].tolist() == list(packed_chips(3).filenames)
    assert view.champion.model.window == SIZE


@pytest.mark.usefixtures("_registry")
def test_a_champion_of_somebody_else_stops_no_run_and_is_told(tmp_path: Path, package: StoredPackage) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/MLmodel").write_text("{}")
    mlflow.MlflowClient().create_model_version(NAME, str(tmp_path / "foreign"))
    mlflow.MlflowClient().set_registered_model_alias(NAME, "champion", "2")
    view = ChampionDataset(name=NAME, fetched=str(tmp_path / "fetched")).load()
    assert view.champion is None
    decision = decide_beforehand(package, view, SIX_BANDS, SETTINGS)
    assert decision is not None
    assert decision.outcome == "challenger"
    assert f"models:/{NAME}/2 was registered by something else than this project" in decision.reason


@pytest.mark.usefixtures("_registry")
@pytest.mark.parametrize(
    ("file", "told"),
    [("native/chips.json", "are not those that were"), ("served_model.py", "are not those that were"),
     ("description.json", "are not those that were"), ("registration.json", "are not those that were"),
     ("training_chips.parquet", "can't be read: remove")],
)  # fmt: skip
def test_a_champion_whose_files_were_changed_is_not_compared_with(tmp_path: Path, file: str, told: str) -> None:
    dataset = ChampionDataset(name=NAME, fetched=str(tmp_path / "fetched"))
    assert dataset.load().champion is not None
    next((tmp_path / "fetched").rglob(file)).write_text("{}")
    view = dataset.load()
    assert view.champion is None
    assert told in view.silent


@pytest.mark.usefixtures("_registry")
def test_a_name_that_nobody_has_registered_has_no_champion(tmp_path: Path) -> None:
    view = ChampionDataset(name="mine-classifier", fetched=str(tmp_path / "fetched")).load()
    assert (view.champion, view.silent) == (None, "")


@pytest.mark.usefixtures("_registry")
def test_a_registry_that_does_not_answer_stops_no_run(
    tmp_path: Path, package: StoredPackage, caplog: pytest.LogCaptureFixture
) -> None:
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    assert "can't be used" in ChampionDataset(name=NAME, fetched=str(tmp_path)).load().silent
    RegisteredModelDataset(name=NAME).save(registration(package))
    assert f"{NAME} is not registered and stays in {package.folder}" in caplog.text
    assert "kedro run --pipelines=registration" in caplog.text


@pytest.mark.usefixtures("_registry")
def test_what_a_silent_registry_left_undone_is_done_as_soon_as_it_speaks(
    tmp_path: Path, package: StoredPackage
) -> None:
    """Also where only what is stale is run, and nothing else has changed."""

    def weigh(champion: RegistryView) -> dict[str, str]:
        return {"known": champion.silent or "all"}

    def register_model(_promotion: dict[str, str]) -> Registration:
        return replace(registration(package), name="mine-classifier")

    speaks, fetched = mlflow.get_tracking_uri(), str(tmp_path / "fetched")
    pipeline = [Node(weigh, "champion", "promotion"), Node(register_model, "promotion", "registered")]

    def run(number: int, address: str) -> list[str]:
        mlflow.set_tracking_uri(address)
        promotion = JsonFile(filepath=str(tmp_path / "promotion.json"))
        catalog = DataCatalog({
            "champion": ChampionDataset(name=NAME, fetched=fetched), "promotion": promotion,
            "registered": RegisteredModelDataset(name="mine-classifier"),
        })  # fmt: skip
        books, ran = RunRecorder(tmp_path, tmp_path / "data", catalog, f"run {number}"), []
        for node in pipeline:
            if books.recall(node) is None:
                inputs = {name: catalog.load(name) for name in node.inputs}
                books.begin(node)
                catalog.save(node.outputs[0], node.run(inputs)[node.outputs[0]])
                books.saved(node, node.outputs[0])
                ran.append(node.outputs[0])
        return ran

    assert run(1, "http://127.0.0.1:9") == ["promotion", "registered"]
    assert run(2, "http://127.0.0.1:9") == ["promotion", "registered"]
    assert run(3, speaks) == ["promotion", "registered"]
    assert run(4, speaks) == []
    assert find_version("models:/mine-classifier@champion").content_hash == package.content_hash


def test_the_registry_is_neither_read_nor_written_past_the_pipeline(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="read only"):
        ChampionDataset(name=NAME, fetched=str(tmp_path)).save("anything")  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="ask for it by its address"):
        RegisteredModelDataset(name=NAME).load()
