"""A student is scored on test chips beside its teacher, and makes the maps if it is as good."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.mapping.settings import MappingSettings
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.predictor import ModelSource
from mining_the_mines.models.student import StudentSettings
from mining_the_mines.pipelines.mapping.nodes import choose_map_model
from mining_the_mines.pipelines.student.nodes import score_student, train_student
from support.chip_polygons import utm_grid
from support.composites import composite_at
from support.networks import SIX_BANDS, complete_segmenter
from support.segmented_chips import NAMES, SETTINGS, TRAIN, chip_scores, folds_table, maps_of, masks_of

TEST = NAMES[TRAIN:]
TRAINING = StudentSettings(epochs=1, batch_size=4, windows=16, accelerator="cpu")
TEACHER = replace(complete_segmenter(), source=ModelSource(Path("model"), "mine-segmenter 1"))
STUDENT = replace(complete_segmenter(), teacher="mine-segmenter 1")
GOOD = {"makes_maps": True}


def decide(*, wrong: bool = False, names: list[str] = TEST) -> tuple[pd.DataFrame, dict[str, Any]]:
    maps = maps_of(names, wrong=wrong)
    scores, _, decision = score_student(STUDENT, masks_of(), maps, folds_table(), chip_scores(), SETTINGS, TRAINING)
    return scores, decision


def test_equal_student_makes_the_maps() -> None:
    scores, decision = decide()
    assert decision["makes_maps"]
    assert decision["difference"] == pytest.approx(0)
    assert set(scores["model"]) == {"student"}
    assert set(scores["split"]) == {"test"}


def test_worse_student_makes_no_map() -> None:
    _, decision = decide(wrong=True)
    assert not decision["makes_maps"]
    assert decision["iou"] < decision["teacher_iou"] - 0.01


def test_without_test_chips(caplog: pytest.LogCaptureFixture) -> None:
    scores, decision = decide(names=[])
    assert scores.empty
    assert decision == {"teacher": "mine-segmenter 1", "makes_maps": False}
    assert "Without test chips" in caplog.text


@pytest.mark.parametrize(
    ("asked", "student", "decision", "taken"),
    [
        (None, STUDENT, GOOD, "student"),
        (None, STUDENT, {"makes_maps": False}, "teacher"),
        (None, replace(STUDENT, teacher="another"), GOOD, "teacher"),
        (None, None, None, "teacher"),
        ("ensemble", STUDENT, GOOD, "teacher"),
        ("student", STUDENT, {"makes_maps": False}, "student"),
    ],
)
def test_model_of_maps(asked: Any, student: MineSegmenter | None, decision: dict[str, Any] | None, taken: str) -> None:
    model = choose_map_model(TEACHER, student, decision, MappingSettings(model=asked))
    assert model is {"student": student, "teacher": TEACHER}[taken]


def test_student_that_is_not_there() -> None:
    with pytest.raises(BadInputError, match="has no student: teach one with kedro run --pipelines=student"):
        choose_map_model(TEACHER, None, None, MappingSettings(model="student"))


def test_student_of_a_run(tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    teacher = replace(complete_segmenter(), chips=ChipSettings(bands=SIX_BANDS))
    composites = [composite_at(tmp_path, name, utm_grid(64, 64), bands=SIX_BANDS) for name in ("place-0", "place-11")]
    (checkpoints / "old").mkdir(parents=True)
    student, curve = train_student(teacher, composites, masks_of(), folds_table(), TRAINING, checkpoints)
    assert student.teacher is not None
    assert len(curve) == 1
    assert not any(checkpoints.iterdir())
