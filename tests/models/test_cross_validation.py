"""Networks fold by fold: they learn, see no chip of their own fold, and give the same bits again."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from distributed import LocalCluster
from sklearn.metrics import roc_auc_score

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.epoch_events import EpochEvent, epoch_listener
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.cross_validation import CrossValidation, cross_validate
from mining_the_mines.models.kinds import ChipLayout
from mining_the_mines.models.logistic import LogisticRegression
from support.training_data import BANDS, SIZE, TrainingData, by_chip, quick_settings, separable_chips, train

SHORT = quick_settings(epochs=2)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """Chips that can be told apart, in two folds."""
    return separable_chips()


@pytest.fixture(scope="module")
def trained(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> CrossValidation:
    """One training that several tests look at."""
    return train(data, tmp_path_factory.mktemp("checkpoints") / "base")


@pytest.fixture(scope="module")
def short(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> CrossValidation:
    """A training of two epochs that others are compared with."""
    return train(data, tmp_path_factory.mktemp("checkpoints") / "short", SHORT)


def same_weights(first: CrossValidation, second: CrossValidation) -> bool:
    pairs = zip(first.model.members, second.model.members, strict=True)
    return all(torch.equal(ours[name], theirs[name]) for ours, theirs in pairs for name in ours)


def out_of_fold_auc(data: TrainingData, result: CrossValidation) -> float:
    labels = data.folds.set_index("filename").loc[by_chip(result).index, "label"]
    return float(roc_auc_score(labels, by_chip(result)))


def test_learns(data: TrainingData, trained: CrossValidation) -> None:
    assert out_of_fold_auc(data, trained) > 0.95


def test_predicted_chips(data: TrainingData, trained: CrossValidation) -> None:
    training = data.folds.loc[data.folds["split"] == "train", "filename"]
    assert sorted(by_chip(trained).index) == sorted(training)
    assert by_chip(trained).between(0, 1).all()


def test_out_of_fold_network(data: TrainingData, trained: CrossValidation) -> None:
    names = data.in_fold(1)
    chips = np.stack([data.packed.reflectance(int(row)) for row in data.packed.rows(names)])
    second = replace(trained.model, members=trained.model.members[1:])
    with torch.inference_mode():
        expected = second.module(torch.from_numpy(chips)).numpy()
    np.testing.assert_allclose(by_chip(trained)[names], expected, atol=1e-6)


def test_no_leak_from_a_fold(data: TrainingData, short: CrossValidation, tmp_path: Path) -> None:
    flipped = train(data.with_flipped_labels(0), tmp_path, SHORT)
    names = data.in_fold(0)
    pd.testing.assert_series_equal(by_chip(flipped)[names], by_chip(short)[names], check_exact=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_same_bits(workers: int, data: TrainingData, short: CrossValidation, tmp_path: Path) -> None:
    torch.rand(17)  # whatever was drawn before must not matter
    np.random.default_rng().random(3)
    again = train(data, tmp_path, SHORT, workers)
    assert same_weights(again, short)
    pd.testing.assert_series_equal(by_chip(again), by_chip(short), check_exact=True)
    pd.testing.assert_frame_equal(again.curves, short.curves, check_exact=True)


def test_threads_of_a_cluster(data: TrainingData, short: CrossValidation, tmp_path: Path) -> None:
    # Two trainings at once in one process would draw from the same random numbers.
    heard: list[EpochEvent] = []
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        epoch_listener(heard.append),
    ):
        again = train(data, tmp_path, SHORT, dask=DaskSettings(address=cluster.scheduler_address))
    assert same_weights(again, short)
    pd.testing.assert_frame_equal(again.curves, short.curves, check_exact=True)
    epochs = {(f"network, fold {fold}", epoch, epoch == 1) for fold in (0, 1) for epoch in (0, 1)}
    assert {(event.training, event.epoch, event.finished) for event in heard} >= epochs


def test_cluster_with_other_code(data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = threading.get_ident()
    monkeypatch.setattr(
        "mining_the_mines.models.cross_validation._code_hash", lambda: str(threading.get_ident() == here)
    )
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        pytest.raises(BadInputError, match="has other code, or another torch: install the same package"),
    ):
        train(data, tmp_path, SHORT, dask=DaskSettings(address=cluster.scheduler_address))


def test_several_networks(data: TrainingData, short: CrossValidation, tmp_path: Path) -> None:
    two = train(data, tmp_path, SHORT.model_copy(update={"networks": 2}), 2)
    assert len(two.model.members) == 4
    assert all(torch.equal(two.model.members[0][name], tensor) for name, tensor in short.model.members[0].items())
    assert two.curves.groupby(["fold", "network"]).size().to_dict() == {(f, n): 2 for f in (0, 1) for n in (0, 1)}
    names = data.in_fold(1)
    chips = np.stack([data.packed.reflectance(int(row)) for row in data.packed.rows(names)])
    with torch.inference_mode():
        expected = replace(two.model, members=two.model.members[2:]).module(torch.from_numpy(chips)).numpy()
    np.testing.assert_allclose(by_chip(two)[names], expected, atol=1e-6)


def test_failure_in_a_worker(data: TrainingData, tmp_path: Path) -> None:
    # A kind that loads neither Lightning nor timm, so that workers start soon.
    with pytest.raises(BadInputError, match="The feature table lacks chip_"):
        cross_validate(
            {"line": LogisticRegression()}, data.labelled(), ChipLayout(bands=BANDS, chip_size=SIZE), tmp_path, 2
        )


def test_epoch_listeners(data: TrainingData, tmp_path: Path) -> None:
    heard: list[EpochEvent] = []
    with epoch_listener(heard.append):
        train(data, tmp_path, SHORT)
    assert [(event.training, event.epoch, event.finished) for event in heard] == [
        (f"network, fold {fold}", epoch, finished)
        for fold in (0, 1)
        for epoch, finished in ((0, False), (1, False), (1, True))
    ]
    assert {"training_loss", "validation_roc_auc", "learning_rate"} <= set(heard[0].figures)


@pytest.mark.parametrize(
    "changes",
    [
        {"accumulate_batches": 2, "augmentation": {"mix_up": 0.2, "band_dropout": 0.02}},
        {"label_smoothing": 0.1, "class_weights": False, "average_decay": 0.8},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_ways_of_training(changes: dict[str, object], data: TrainingData, tmp_path: Path) -> None:
    assert out_of_fold_auc(data, train(data, tmp_path, quick_settings(epochs=5, **changes))) > 0.9


def test_fewer_chips_than_a_batch(tmp_path: Path) -> None:
    result = train(separable_chips(18), tmp_path, quick_settings(batch_size=64, epochs=2))
    assert by_chip(result).notna().all()
