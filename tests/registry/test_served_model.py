"""Answers and refusals of a served model."""

import json
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import yaml

from mining_the_mines.registry.export import save_served_model
from mining_the_mines.registry.served_model import RefusedChipsError, arrange_bands, judge_chips, read_request
from support.networks import SIX_BANDS, SIZE
from support.served_models import chips_to_ask_about, exported, small_outliner

Refused = RefusedChipsError
DESCRIPTION: dict[str, Any] = {
    "bands": list(SIX_BANDS),
    "chip_size": SIZE,
    "plausible": {"lowest": -0.09, "highest": 2.0, "implausible_share": 0.05, "nodata_share": 0.5},
}


@pytest.fixture(scope="module")
def segmenting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segmenter's folder for MLflow."""
    folder = tmp_path_factory.mktemp("segmenting")
    save_served_model(exported(small_outliner(), folder / "exported"), folder / "served")
    return folder / "served"


def test_bands_are_put_in_order() -> None:
    chips = chips_to_ask_about(2)
    shuffled = np.concatenate([chips[:, ::-1], chips[:, :1]], axis=1)
    found = arrange_bands(shuffled, [*SIX_BANDS[::-1], "B10"], DESCRIPTION)
    np.testing.assert_array_equal(found, chips)


@pytest.mark.parametrize(
    "names", [["B02", "B03", "B04", "B08", "B11", "B12"], ["blue", "Green", "red", "nir", "swir16", "swir22"]]
)
def test_bands_are_named_as_in_files(names: list[str]) -> None:
    chips = chips_to_ask_about(2)
    np.testing.assert_array_equal(arrange_bands(chips, names, DESCRIPTION), chips)
    np.testing.assert_array_equal(arrange_bands(chips[:, ::-1], names[::-1], DESCRIPTION), chips)


def test_a_band_by_two_names_is_refused() -> None:
    with pytest.raises(Refused, match="named twice"):
        arrange_bands(np.zeros((1, 7, SIZE, SIZE), np.float32), [*SIX_BANDS, "blue"], DESCRIPTION)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{", "^The body is no JSON "),
        (b"\xff", "^The body is no JSON "),
        ("[" * 100_000, "^The body is no JSON "),
        ("[[1]]", "^The body is JSON, but no object: send "),
        ("null", "^The body is JSON, but no object: send "),
        ("{}", r"^The body has the keys \(none\): send "),
        ('{"chips": [1]}', "^The body has the keys chips: send "),
        ('{"inputs": [1], "instances": [1]}', "^The body has the keys inputs, instances: send "),
        ('{"inputs": [1], "bands": ["B2"]}', r"^There is no key bands: there are inputs, instances, params\.$"),
        ('{"inputs": [1], "parms": {}}', r"^There is no key parms: did you mean params\?$"),
        ('{"inputs": [1], "params": ["B2"]}', "^params is no object: send "),
        ('{"inputs": [1], "params": {"band": ["B2"]}}', r"^There is no parameter band: did you mean bands\?$"),
        ('{"inputs": [1], "params": {"bands": "B2"}}', "^The parameter bands is no list of names: send "),
        ('{"inputs": [1], "params": {"bands": ["B2", 3]}}', "^The parameter bands is no list of names: send "),
        ('{"inputs": [1], "params": {"threshold": 0.1}}', r"^There is no parameter threshold: there are bands\.$"),
    ],
)
def test_requests_that_nothing_would_read_are_refused(body: str | bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        read_request(body, ["bands"])


def test_request() -> None:
    assert read_request('{"inputs": [1], "params": null}', ["bands"])["inputs"] == [1]
    assert read_request({"instances": [1], "params": {"bands": ["B2"]}}, ["bands"])["instances"] == [1]


def test_missing_bands_are_named() -> None:
    chips = chips_to_ask_about(2)[:, :4]
    with pytest.raises(Refused, match=r"^The bands B2, B3, B4, B8 lack B11, B12: send B2.*, in any order\.$"):
        arrange_bands(chips, ["B2", "B3", "B4", "B8"], DESCRIPTION)


def test_a_band_named_twice_is_refused() -> None:
    with pytest.raises(Refused, match="named twice"):
        arrange_bands(np.zeros((1, 7, SIZE, SIZE), np.float32), [*SIX_BANDS, "B2"], DESCRIPTION)


@pytest.mark.parametrize("shape", [(1, 6, 9, SIZE), (1, 5, SIZE, SIZE), (0, 6, SIZE, SIZE), (6, SIZE, SIZE)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(Refused, match=rf"send chips × 6 bands \(B2, .*B12\) × {SIZE} rows × {SIZE} columns\.$"):
        arrange_bands(np.zeros(shape, np.float32), list(SIX_BANDS), DESCRIPTION)


def test_empty_chips_and_bands_are_named() -> None:
    chips = chips_to_ask_about(3)
    assert len(judge_chips(chips, DESCRIPTION)) == 3
    chips[2, 1] = np.nan
    with pytest.raises(Refused, match=r"^Chip 2 can't be judged: empty band: B3 holds no data\.$"):
        judge_chips(chips, DESCRIPTION)
    chips[2] = np.nan
    with pytest.raises(Refused, match=r"^Chip 2 can't be judged: empty: no data"):
        judge_chips(chips, DESCRIPTION)


@pytest.mark.parametrize("factor", [10_000, 0.0001])
def test_other_scales_are_recognised(factor: float) -> None:
    with pytest.raises(
        Refused, match=r"^Chip 0 can't be judged: .*; send reflectance where 1\.0 is all light"
    ) as refused:
        judge_chips(chips_to_ask_about(2) * np.float32(factor), DESCRIPTION)
    assert "imagery." not in str(refused.value)


def test_an_offset_left_in_is_doubted() -> None:
    plain = np.tile(np.linspace(0.02, 0.3, SIZE, dtype=np.float32), (1, len(SIX_BANDS), SIZE, 1))
    plain += np.arange(len(SIX_BANDS), dtype=np.float32)[:, None, None] / 100
    assert judge_chips(plain, DESCRIPTION) == [()]
    ((doubt,),) = judge_chips(plain + np.float32(0.1), DESCRIPTION)
    assert doubt.startswith("offset left in: nothing is darker than 0.09")
    assert "imagery." not in doubt


def test_a_segmenter_answers_with_a_map(segmenting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())  # MLflow puts the model's code first, where new processes find it
    chips, model = chips_to_ask_about(3), mlflow.pyfunc.load_model(str(segmenting))
    probabilities = small_outliner().predict(chips)
    answers = model.predict(chips)
    known = ~np.isnan(probabilities[1])
    np.testing.assert_allclose(
        np.array(answers[1]["probability"])[known].astype(float), probabilities[1][known], atol=1e-5
    )
    assert answers[0]["probability"][2][5] is None
    assert answers[2]["hectares"] == pytest.approx((probabilities[2] >= 0.5).sum() / 100, abs=0.011)
    assert "probability" not in model.predict(chips, params={"maps": False})[0]


def test_the_folder_names_no_place(segmenting: Path) -> None:
    text = (segmenting / "MLmodel").read_text(encoding="utf-8")
    written = yaml.safe_load(text)
    assert written["metadata"]["bands"] == list(SIX_BANDS)
    assert written["metadata"]["chip_size"] == SIZE
    assert written["metadata"]["threshold"] == 0.5
    assert "1.0 is all light" in written["metadata"]["reflectance"]
    assert json.loads(written["signature"]["params"])[0]["default"] == list(SIX_BANDS)
    assert str(segmenting.parent) not in text
    assert "/src/" not in text
    assert not list(segmenting.rglob("*.pkl"))


def test_export_is_reproducible(segmenting: Path) -> None:
    again = segmenting.parent / "again"
    save_served_model(segmenting.parent / "exported", again)
    files = sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(segmenting) for path in segmenting.rglob("*") if path.is_file())
    assert [name for name in files if (again / name).read_bytes() != (segmenting / name).read_bytes()] == []
