"""A model's way into the registry and out of it again."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from kedro.io import DataCatalog

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.folders import WorkFolderDataset
from mining_the_mines.datasets.models import ModelPackageDataset, SegmenterDataset
from mining_the_mines.hooks.registered_models import ModelFetching
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.description import describe
from mining_the_mines.pipelines.registration.nodes import fetch_champion, register_model
from mining_the_mines.pipelines.registration.registered_models import fetch_model
from mining_the_mines.registry.export import write_package
from mining_the_mines.registry.package import StoredPackage
from mining_the_mines.registry.promotion import decide_unscored
from mining_the_mines.registry.training_data import hash_chips
from support.chip_files import packed_chips
from support.empty_stores import make_store
from support.networks import SIX_BANDS, complete_segmenter, random_reflectance
from support.registered_models import SETTINGS, facts

SIZE = 32
NAME = "mine-segmenter"
REGISTRATION = SETTINGS.model_copy(update={"name": NAME, "metric": "iou"})
PROMOTION = {
    "outcome": "champion", "reason": "First.", "metric": "iou", "margin": 0, "confidence": 0.9, "resamples": 20,
    "chips": 3, "places": 2, "left_out": 0, "one_sided_pixels": 0, "champion_version": "", "challenger": None,
    "champion": None, "difference": None,
}  # fmt: skip


def segmenter() -> MineSegmenter:
    """A segmenter with random weights."""
    return complete_segmenter(size=SIZE)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> StoredPackage:
    """A package that its dataset has adopted; to export a model takes seconds."""
    folder, model, chips = tmp_path_factory.mktemp("package"), segmenter(), packed_chips(3)
    told = facts().model_copy(update={"name": NAME})
    known = hash_chips(chips, chips.filenames)
    draft = write_package(model, describe(model), told, "# Card\n", known, folder / "drafts/new")
    dataset = ModelPackageDataset(filepath=str(folder / "segmenter_package"))
    dataset.save(draft)
    assert not draft.folder.exists()
    return dataset.load()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, package: StoredPackage) -> Path:
    """A registry that holds the model, in a file."""
    path = make_store(tmp_path_factory.mktemp("registry") / "mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{path}")
    assert register_model(package, PROMOTION, {}, REGISTRATION) == {"name": NAME, "version": "1"}
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type] # which unsets it
    return path


@pytest.fixture(autouse=True)
def _registry(database: Path, tmp_path: Path) -> Iterator[None]:
    """The registry, for this test alone."""
    shutil.copy(database, tmp_path / "mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    yield
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type] # which unsets it


def register_foreign(folder: Path) -> None:
    """Register a model of another project as version 2, and make it the champion."""
    folder.mkdir()
    (folder / "MLmodel").write_text("{}")
    mlflow.MlflowClient().create_model_version(NAME, str(folder))
    mlflow.MlflowClient().set_registered_model_alias(NAME, "champion", "2")


def test_a_package_is_whole(package: StoredPackage) -> None:
    files = {path.relative_to(package.folder).as_posix() for path in package.folder.rglob("*") if path.is_file()}
    assert {
        "MLmodel", "model_card.md", "mlm_item.json", "training_chips.parquet", "registration.json", "description.json",
        "native/weights.safetensors", "native/segmenter.json",
    } <= files  # fmt: skip
    item = json.loads((package.folder / "mlm_item.json").read_text())
    assert (package.folder / item["assets"]["model"]["href"]).is_file()
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".pt", ".pth"))]


def test_exported_program(package: StoredPackage) -> None:
    chips = random_reflectance(2, size=SIZE)
    with torch.no_grad():
        found = torch.export.load(next(package.folder.rglob("model.pt2"))).module()(torch.from_numpy(chips)).numpy()
    np.testing.assert_allclose(found, segmenter().predict(chips), atol=1e-5)
    assert mlflow.models.Model.load(package.folder).signature is not None


@pytest.mark.parametrize("address", [f"models:/{NAME}@champion", f"models:/{NAME}/1"])
def test_registered_model_predicts_the_same_bits(tmp_path: Path, address: str) -> None:
    entries = {
        "segmenter": {
            "type": f"{SegmenterDataset.__module__}.{SegmenterDataset.__name__}",
            "filepath": str(tmp_path / "nothing_here"),
            "registered": address,
        },
        "registered_models": {
            "type": f"{WorkFolderDataset.__module__}.{WorkFolderDataset.__name__}",
            "filepath": str(tmp_path / "registered"),
        },
    }
    catalog = DataCatalog.from_config(entries)
    ModelFetching().after_catalog_created(catalog, entries)
    model = catalog.load("segmenter")
    chips = random_reflectance(2, size=SIZE)
    np.testing.assert_array_equal(model.predict(chips), segmenter().predict(chips))
    assert model.source.version == f"{NAME} 1"
    assert model.source.folder.is_relative_to(tmp_path / "registered")


def test_model_not_downloaded(tmp_path: Path) -> None:
    dataset = SegmenterDataset(filepath=str(tmp_path / "segmenter"), registered=f"models:/{NAME}/1")
    assert dataset.exists()
    with pytest.raises(BadInputError, match=f"models:/{NAME}/1 was not downloaded"):
        dataset.find()


def test_model_for_the_other_task(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is a model for segmentation, and one for classification is wanted"):
        fetch_model(f"models:/{NAME}/1", tmp_path, "classification")


def test_changed_files_are_not_trusted(tmp_path: Path) -> None:
    source = fetch_model(f"models:/{NAME}/1", tmp_path / "kept", "segmentation")
    (source.folder / "chips.json").write_text("{}")
    with pytest.raises(BadInputError, match="are not those that were registered"):
        fetch_model(f"models:/{NAME}/1", tmp_path / "kept", "segmentation")


def test_model_of_another_project(tmp_path: Path) -> None:
    register_foreign(tmp_path / "foreign")
    with pytest.raises(BadInputError, match="was not registered by this project"):
        fetch_model(f"models:/{NAME}/2", tmp_path / "kept", "segmentation")


def test_champion_with_its_training_chips(tmp_path: Path, package: StoredPackage) -> None:
    champion = fetch_champion(REGISTRATION, tmp_path / "kept").champion
    assert champion is not None
    assert (champion.version, champion.content_hash) == ("1", package.content_hash)
    assert champion.training_chips["filename"].tolist() == list(packed_chips(3).filenames)
    assert champion.model.window == SIZE


def test_champion_of_another_project(tmp_path: Path, package: StoredPackage) -> None:
    register_foreign(tmp_path / "foreign")
    view = fetch_champion(REGISTRATION, tmp_path / "kept")
    assert view.champion is None
    decision = decide_unscored(package, view, SIX_BANDS, REGISTRATION)
    assert decision is not None
    assert decision.outcome == "challenger"
    assert f"models:/{NAME}/2 was not registered by this project" in decision.reason


@pytest.mark.parametrize(
    ("file", "told"),
    [("native/segmenter.json", "are not those that were"), ("registration.json", "are not those that were"),
     ("training_chips.parquet", "can't be read: remove")],
)  # fmt: skip
def test_changed_champion(tmp_path: Path, file: str, told: str) -> None:
    assert fetch_champion(REGISTRATION, tmp_path / "kept").champion is not None
    next((tmp_path / "kept").rglob(file)).write_text("{}")
    view = fetch_champion(REGISTRATION, tmp_path / "kept")
    assert view.champion is None
    assert told in view.obstacle


def test_champion_of_an_earlier_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot_read(_: StoredPackage) -> None:
        raise BadInputError("native holds no model that this version can read: train again.")

    monkeypatch.setattr("mining_the_mines.pipelines.registration.nodes.read_model", cannot_read)
    view = fetch_champion(REGISTRATION, tmp_path / "kept")
    assert view.obstacle.endswith("train again. Or give the alias champion to another version by hand.")


def test_silent_registry(tmp_path: Path, package: StoredPackage, caplog: pytest.LogCaptureFixture) -> None:
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    assert "can't be used" in fetch_champion(REGISTRATION, tmp_path).obstacle
    assert register_model(package, PROMOTION, {}, REGISTRATION) == {"name": NAME, "version": None, "pending": True}
    assert f"{NAME} is not registered and stays in {package.folder}" in caplog.text
    assert "kedro run --pipelines=registration" in caplog.text
