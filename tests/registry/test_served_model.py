"""What a served model answers and refuses."""

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
import yaml

from mining_the_mines.registry.model_folder import save_served_model
from mining_the_mines.registry.served_model import RefusedChipsError, arranged, check_reflectance, refuse_code
from support.crafted_programs import CONSTANTS, WEIGHTS, Change, crafted, entry, graph, opaque, record
from support.networks import SIX_BANDS, SIZE
from support.served_models import chips_to_ask_about, exported, small_detector, small_outliner

Refused = RefusedChipsError
DESCRIPTION: dict[str, Any] = {
    "bands": list(SIX_BANDS),
    "chip_size": SIZE,
    "plausible": {"lowest": -0.09, "highest": 2.0, "implausible_share": 0.05, "nodata_share": 0.5},
}


@pytest.fixture(scope="module")
def outlining(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An segmenter's folder for MLflow."""
    folder = tmp_path_factory.mktemp("outlining")
    save_served_model(exported(small_outliner(), folder / "exported"), folder / "served")
    return folder / "served"


def test_bands_in_another_order_are_put_in_order_and_others_left_out() -> None:
    chips = chips_to_ask_about(2)
    shuffled = np.concatenate([chips[:, ::-1], chips[:, :1]], axis=1)
    found = arranged(shuffled, [*SIX_BANDS[::-1], "B10"], DESCRIPTION)
    np.testing.assert_array_equal(found, chips)


def test_missing_bands_are_named() -> None:
    chips = chips_to_ask_about(2)[:, :4]
    with pytest.raises(Refused, match=r"^The bands B2, B3, B4, B8 lack B11, B12: send B2.*, in any order\.$"):
        arranged(chips, ["B2", "B3", "B4", "B8"], DESCRIPTION)


def test_a_band_named_twice_is_refused() -> None:
    with pytest.raises(Refused, match="named twice"):
        arranged(np.zeros((1, 7, SIZE, SIZE), np.float32), [*SIX_BANDS, "B2"], DESCRIPTION)


@pytest.mark.parametrize("shape", [(1, 6, 9, SIZE), (1, 5, SIZE, SIZE), (0, 6, SIZE, SIZE), (6, SIZE, SIZE)])
def test_a_wrong_shape_is_answered_by_the_right_one(shape: tuple[int, ...]) -> None:
    with pytest.raises(Refused, match=rf"send chips × 6 bands \(B2, .*B12\) × {SIZE} rows × {SIZE} columns\.$"):
        arranged(np.zeros(shape, np.float32), list(SIX_BANDS), DESCRIPTION)


def test_empty_chips_and_bands_are_named() -> None:
    chips = chips_to_ask_about(3)
    check_reflectance(chips, DESCRIPTION)
    chips[2, 1] = np.nan
    with pytest.raises(Refused, match="Chip 2 holds no data in the band B3"):
        check_reflectance(chips, DESCRIPTION)
    chips[2] = np.nan
    with pytest.raises(Refused, match="100% of the numbers of chip 2 are NaN"):
        check_reflectance(chips, DESCRIPTION)


def test_digital_numbers_are_recognised() -> None:
    with pytest.raises(Refused, match=r"send reflectance where 1\.0 is all light"):
        check_reflectance(chips_to_ask_about(2) * 10_000, DESCRIPTION)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trees as a program, with weights and constants."""
    return exported(small_detector(), tmp_path_factory.mktemp("program") / "exported") / "model.pt2"


def test_what_this_project_exports_is_read(program: Path, outlining: Path) -> None:
    refuse_code(program)
    refuse_code(outlining / "artifacts" / "model.pt2")


def test_a_constant_that_torch_would_unpickle_by_its_name_is_not_read(program: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    bad = crafted(program, tmp_path / "bad.pt2", opaque(trap))
    with pytest.raises(Refused, match=r"is not read, for it holds the record model/data/constants/opaque_obj_0"):
        refuse_code(bad)
    torch.export.load(bad)  # the trap is one
    assert trap.is_dir()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (entry(WEIGHTS, use_pickle=True), "names a pickle, weight_0"),
        (entry(CONSTANTS, path_name="custom_obj_0"), "names a pickle, custom_obj_0"),
        (entry(CONSTANTS, path_name="tensor_0/../opaque_obj_0"), "names a pickle"),
        (record("model/data/weights/model.pt"), "the record model/data/weights/model.pt"),
        (record("model/data/constants/model.pt"), "the record model/data/constants/model.pt"),
        (record("model/data/aotinductor/model/any.so"), "the record model/data/aotinductor/model/any.so"),
        (record("model/data/sample_inputs/model.pt"), "holds pickled examples"),
        (record("model/archive_format", b"pt1"), "of another format"),
        (record("serialized_state_dict.pt"), "do not lie in one folder"),
        (record("version", b"8.1"), "do not lie in one folder"),
        (graph("torch.ops.aten.abs.default", "torch.serialization.os.system"), "its target is 'torch.serialization"),
        (graph("torch.ops.aten.abs.default", "_operator.methodcaller"), "its target is"),
        (graph("Symbol('s", "__import__('os').getcwd() or Symbol('s"), "its expr_str is"),
        (graph('"guards_code": []', '"guards_code": ["open(1)"]'), "its guards_code is not empty"),
        (graph("builtins.tuple", "collections.defaultdict"), "its inputs or outputs are collections.defaultdict"),
    ],
)  # fmt: skip
def test_a_program_that_could_run_code_is_not_read(change: Change, reason: str, program: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"is not read, for .*{re.escape(reason)}.*: export it anew"):
        refuse_code(crafted(program, tmp_path / "bad.pt2", change))


def test_a_record_that_is_there_twice_is_not_read(program: Path, tmp_path: Path) -> None:
    twice = tmp_path / "twice.pt2"
    shutil.copy(program, twice)
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(WEIGHTS, b"{}")
    with pytest.raises(Refused, match="a record is there twice"):
        refuse_code(twice)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK"])
def test_what_is_no_program_is_not_read(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.pt2").write_bytes(content)
    with pytest.raises(Refused, match=r"it is no program of torch\.export"):
        refuse_code(tmp_path / "model.pt2")


def test_an_outliner_answers_with_hectares_and_a_map(outlining: Path) -> None:
    chips, model = chips_to_ask_about(3), mlflow.pyfunc.load_model(str(outlining))
    probabilities = small_outliner().predict(chips)
    answers = model.predict(chips)
    known = ~np.isnan(probabilities[1])
    np.testing.assert_allclose(
        np.array(answers[1]["probability"])[known].astype(float), probabilities[1][known], atol=1e-5
    )
    assert answers[0]["probability"][2][5] is None
    assert answers[2]["hectares"] == pytest.approx((probabilities[2] >= 0.5).sum() / 100, abs=0.011)
    assert "probability" not in model.predict(chips, params={"maps": False})[0]


def test_the_folder_tells_bands_size_scale_and_threshold_but_not_where_it_was_made(outlining: Path) -> None:
    text = (outlining / "MLmodel").read_text(encoding="utf-8")
    written = yaml.safe_load(text)
    assert written["metadata"]["bands"] == list(SIX_BANDS)
    assert written["metadata"]["chip_size"] == SIZE
    assert written["metadata"]["threshold"] == 0.5
    assert "1.0 is all light" in written["metadata"]["reflectance"]
    assert json.loads(written["signature"]["params"])[0]["default"] == list(SIX_BANDS)
    assert str(outlining.parent) not in text
    assert "/src/" not in text
    assert not list(outlining.rglob("*.pkl"))


def test_the_same_model_makes_the_same_folder(outlining: Path) -> None:
    again = outlining.parent / "again"
    save_served_model(outlining.parent / "exported", again)
    files = sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(outlining) for path in outlining.rglob("*") if path.is_file())
    assert [name for name in files if (again / name).read_bytes() != (outlining / name).read_bytes()] == []
