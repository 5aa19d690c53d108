"""A student learns its teacher's probabilities, and is a segmenter like any other."""

from pathlib import Path

import numpy as np
import pytest

from mining_the_mines.chips.packing import PackedChips, pack_in_memory
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.description import describe
from mining_the_mines.models.networks import SegmenterSpec
from mining_the_mines.models.storage import load_segmenter, save_complete
from mining_the_mines.models.student import StudentSettings, teach
from support.networks import SIX_BANDS, SIZE, complete_segmenter, random_reflectance, small_segmenter_spec

SETTINGS = StudentSettings(
    epochs=3, batch_size=4, learning_rate=3e-3, warmup_epochs=0, average_decay=0.9, accelerator="cpu", windows=16
)


@pytest.fixture(scope="module")
def ground() -> PackedChips:
    """Random ground."""
    return pack_in_memory(list(random_reflectance(16)), [f"{number}.tif" for number in range(16)], SIX_BANDS)


@pytest.fixture(scope="module")
def teacher() -> MineSegmenter:
    """Three networks, of which the second and the third see mines everywhere."""
    model = complete_segmenter(threshold=0.4, members=3)
    for member in model.network.members[1:]:
        member["backbone.segmentation_head.0.bias"].fill_(3.0)
    return model


def distance(one: MineSegmenter, other: MineSegmenter) -> float:
    chips = random_reflectance(4, seed=1)
    return float(np.abs(one.predict(chips) - other.predict(chips)).mean())


def test_student_comes_close_to_its_teacher(teacher: MineSegmenter, ground: PackedChips, tmp_path: Path) -> None:
    student, curve = teach(teacher, ground, SETTINGS.model_copy(update={"learning_rate": 0.03}), tmp_path)
    first = complete_segmenter(members=1)
    assert distance(student, teacher) < distance(first, teacher)
    assert len(student.network.members) == 1
    assert (student.threshold, student.chips) == (0.4, teacher.chips)
    assert [row["epoch"] for row in curve] == [0, 1, 2]


def test_student_starts_from_the_network_nearest_to_the_mean(
    teacher: MineSegmenter, ground: PackedChips, tmp_path: Path
) -> None:
    student, _ = teach(teacher, ground, SETTINGS.model_copy(update={"epochs": 1, "learning_rate": 1e-9}), tmp_path)
    learnt = student.network.members[0]["backbone.segmentation_head.0.bias"]
    assert learnt.item() == pytest.approx(3.0)  # as two of three have it


def test_resumed_student_is_the_same(teacher: MineSegmenter, ground: PackedChips, tmp_path: Path) -> None:
    student, _ = teach(teacher, ground, SETTINGS, tmp_path / "one")
    again, _ = teach(teacher, ground, SETTINGS, tmp_path / "one")
    anew, _ = teach(teacher, ground, SETTINGS, tmp_path / "other")
    chips = random_reflectance(2)
    np.testing.assert_array_equal(student.predict(chips), again.predict(chips))
    np.testing.assert_array_equal(student.predict(chips), anew.predict(chips))


def test_network_of_its_own(teacher: MineSegmenter, ground: PackedChips, tmp_path: Path) -> None:
    spec = SegmenterSpec.model_validate(
        small_segmenter_spec().model_dump() | {"architecture": "fpn", "overrides": None}
    )
    student, _ = teach(teacher, ground, SETTINGS.model_copy(update={"network": spec, "epochs": 1}), tmp_path)
    assert student.predict(random_reflectance(1)).shape == (1, SIZE, SIZE)


def test_teacher_is_told_wherever_the_student_goes(teacher: MineSegmenter, ground: PackedChips, tmp_path: Path) -> None:
    student, _ = teach(teacher, ground, SETTINGS.model_copy(update={"epochs": 1}), tmp_path / "checkpoints")
    (tmp_path / "student").mkdir()
    save_complete(student, tmp_path / "student")
    stored = load_segmenter(tmp_path / "student")
    assert stored.teacher == student.teacher is not None
    description = describe(stored)
    assert description.teacher == student.teacher
    assert description.architecture == "one segmentation network, the student of an ensemble of segmentation networks"
    assert describe(complete_segmenter()).teacher is None
