"""Models as programs: the same answers, for those who have nothing but torch."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from mining_the_mines.models.complete import MineClassifier
from mining_the_mines.models.description import describe, read_description
from support.served_models import chips_to_ask_about, exported, small_detector, small_outliner

#: Numbers of chips; a program must not be bound to the one that it was traced with.
BATCHES = (1, 5, 12)
#: Typed by a stranger; the arguments are the program, the chips, and the folder of the answers.
STRANGER = f"""
import sys, numpy, torch
program, chips = torch.export.load(sys.argv[1]).module(), torch.from_numpy(numpy.load(sys.argv[2]))
for batch in {BATCHES}:
    numpy.save(f"{{sys.argv[3]}}/{{batch}}.npy", program(chips[:batch]).numpy())
assert not any(name.startswith(("mining_the_mines", "timm", "sklearn")) for name in sys.modules)
"""


@pytest.fixture(scope="module")
def classifier() -> MineClassifier:
    """A blend of trees, a logistic regression and a network."""
    return small_detector("blend")


@pytest.fixture(scope="module")
def folder(classifier: MineClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The blend, exported."""
    return exported(classifier, tmp_path_factory.mktemp("models") / "classifier")


def test_segmenter(tmp_path: Path) -> None:
    segmenter, chips = small_outliner(), chips_to_ask_about(4)
    program = torch.export.load(exported(segmenter, tmp_path / "model") / "model.pt2").module()
    found = program(torch.from_numpy(chips)).numpy()
    np.testing.assert_allclose(found, segmenter.predict(chips), atol=1e-5)
    assert np.isnan(found[0, 2:9, 5:20]).all()


def test_novelty(folder: Path, classifier: MineClassifier) -> None:
    assert classifier.novelty is not None
    chips = chips_to_ask_about()
    program = torch.export.load(folder / "novelty.pt2").module()
    np.testing.assert_allclose(program(torch.from_numpy(chips)).numpy(), classifier.novelty.score(chips))


def test_torch_alone(folder: Path, classifier: MineClassifier, tmp_path: Path) -> None:
    (tmp_path / "mining_the_mines.py").write_text("raise ImportError('not here')", encoding="utf-8")
    chips = chips_to_ask_about()
    np.save(tmp_path / "chips.npy", chips)
    given = [str(folder / "model.pt2"), str(tmp_path / "chips.npy"), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", STRANGER, *given], check=True, env=environment, cwd=tmp_path)
    wanted = classifier.predict(chips)
    for batch in BATCHES:
        np.testing.assert_allclose(np.load(tmp_path / f"{batch}.npy"), wanted[:batch], atol=1e-5)


@pytest.mark.parametrize("program", ["model.pt2", "novelty.pt2"])
def test_no_pickle(folder: Path, program: str) -> None:
    with zipfile.ZipFile(folder / program) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith("_config.json"):
                assert not any(entry["use_pickle"] for entry in json.loads(content)["config"].values())
            assert not name.endswith(".pkl")
            assert "sample_inputs" not in name or not content


def test_same_bytes(tmp_path: Path) -> None:
    first, second = (exported(small_outliner(), tmp_path / name) / "model.pt2" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("program", ["model.pt2", "novelty.pt2"])
def test_program_names_no_file_of_this_machine(folder: Path, program: str) -> None:
    with zipfile.ZipFile(folder / program) as archive:
        assert not any(str(Path.home()).encode() in archive.read(name) for name in archive.namelist())
        assert not any(b"src/mining_the_mines" in archive.read(name) for name in archive.namelist())


def test_description(folder: Path, classifier: MineClassifier) -> None:
    with zipfile.ZipFile(folder / "model.pt2") as archive:
        (inside,) = [archive.read(name) for name in archive.namelist() if name.endswith("extra/description.json")]
    assert json.loads(inside) == read_description(folder).model_dump(mode="json")
    described = read_description(folder)
    assert described == describe(classifier)
    assert (described.bands, described.threshold, described.chip_size) == (classifier.chips.bands, 0.4321, 32)
