"""Digital numbers mean the same reflectance, whatever the processing baseline and the catalog."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.baseline import (
    Scaling,
    harmonise,
    read_baseline,
    read_scaling,
)

WITH_OFFSET = {"raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0, "data_type": "uint16"}]}
WITHOUT_OFFSET = {"raster:bands": [{"scale": 0.0001, "offset": 0}]}


@pytest.mark.parametrize(
    "asset",
    [
        WITH_OFFSET,
        {"bands": [{"name": "B02", "raster:scale": 0.0001, "raster:offset": -0.1}]},
        {"raster:scale": 0.0001, "raster:offset": -0.1, "bands": [{"name": "B02"}]},
    ],
)
def test_offset_of_asset(asset: dict[str, Any]) -> None:
    scaling = read_scaling({"s2:processing_baseline": "05.10"}, asset)
    assert (scaling.scale, scaling.offset, scaling.conflict) == (0.0001, -0.1, None)


@pytest.mark.parametrize(
    ("properties", "offset"),
    [
        ({"s2:processing_baseline": "04.00"}, -0.1),
        ({"s2:processing_baseline": "03.01"}, 0),
        ({"s2:processing_baseline": "N0510"}, -0.1),
        ({"sentinel:processing_baseline": "02.14"}, 0),
        ({"processing:version": "05.11"}, -0.1),
        ({"s2:product_uri": "S2A_MSIL2A_20180101T103431_N0500_R108_T32TQM_20230901T000000.SAFE"}, -0.1),
        (
            {"s2:processing_baseline": "05.00", "datetime": "2017-03-01T00:00:00Z"},
            -0.1,
        ),  # Collection 1 has it throughout
    ],
)
def test_offset_by_baseline(properties: dict[str, Any], offset: float) -> None:
    silent: list[dict[str, Any]] = [{}, {"raster:bands": [{"scale": 1, "offset": 0}]}, {"raster:bands": []}]
    for asset in (*silent, {"raster:scale": None}):
        scaling = read_scaling(properties, asset)
        assert (scaling.scale, scaling.offset, scaling.conflict) == (0.0001, offset, None)


@pytest.mark.parametrize("asset", [WITH_OFFSET, WITHOUT_OFFSET])
@pytest.mark.parametrize("key", ["earthsearch:boa_offset_applied", "sentinel:boa_offset_applied"])
def test_offset_taken_off_by_earth_search(key: str, asset: dict[str, Any]) -> None:
    scaling = read_scaling({key: True, "s2:processing_baseline": "05.09"}, asset)
    assert (scaling.offset, scaling.source, scaling.conflict) == (0, key, None)


def test_unusual_offset_taken_off() -> None:
    key = "earthsearch:boa_offset_applied"
    scaling = read_scaling({key: True}, {"raster:bands": [{"scale": 0.0001, "offset": -0.2}]})
    assert scaling.offset == 0
    assert "an offset of 0, by raster:bands one of -0.2" in str(scaling.conflict)


@pytest.mark.parametrize(
    ("asset", "told"),
    [
        ({"raster:bands": [{"scale": 0.0001, "offset": -1000}]}, ["an offset of -1000, in digital numbers"]),
        ({"raster:bands": [{"scale": 1, "offset": -1000}]}, ["a scale of 1,", "an offset of -1000, in digital"]),
        ({"raster:scale": 10000, "raster:offset": -1000}, ["raster:offset gives a scale of 10000,"]),
        ({"bands": [{"raster:scale": 1, "raster:offset": -0.1}]}, ["a scale of 1, which is no reflectance"]),
        ({"raster:bands": [{"scale": 10000}]}, ["a scale of 10000,"]),
    ],
)
def test_scaling_in_digital_numbers(asset: dict[str, Any], told: list[str]) -> None:
    scaling = read_scaling({"s2:processing_baseline": "05.10"}, asset)
    assert (scaling.scale, scaling.offset) == (0.0001, -0.1)
    assert scaling.conflict is not None
    assert all(part in scaling.conflict for part in told)
    assert "is believed" not in scaling.conflict


@pytest.mark.parametrize(
    ("properties", "name", "version"),
    [
        ({"s2:processing_baseline": "05.10"}, "", "05.10"),
        ({"s2:processing_baseline": 5.1}, "", "05.10"),
        ({"sentinel:processing_baseline": "02.14"}, "", "02.14"),
        ({"processing:version": "N0511"}, "", "05.11"),
        ({"processing:version": "511"}, "", None),
        ({"processing:version": "Sen2Cor 2.10"}, "", None),
        ({}, "S2A_MSIL2A_20180101T103431_N0500_R108_T32TQM_20230901T000000", "05.00"),
        ({}, "S2A_MSIL2A_20180101T103431_N0500", "05.00"),
        ({"s2:processing_baseline": "02.05"}, "S2A_MSIL2A_20180101T103431_N0500_R108", "02.05"),
        ({}, "S2A_21MUN_20180101_0_L2A", None),
    ],
)
def test_baseline(properties: dict[str, Any], name: str, version: str | None) -> None:
    baseline = read_baseline(properties, name)
    assert (baseline and baseline.version) == version


@pytest.mark.parametrize(("baseline", "asset"), [("05.10", WITHOUT_OFFSET), ("03.01", WITH_OFFSET)])
def test_asset_against_baseline(baseline: str, asset: dict[str, Any]) -> None:
    scaling = read_scaling({"s2:processing_baseline": baseline}, asset)
    assert scaling.offset == asset["raster:bands"][0]["offset"]
    assert scaling.source == "raster:bands"
    assert scaling.conflict is not None
    assert f"s2:processing_baseline {baseline}" in scaling.conflict


@pytest.mark.parametrize(
    ("date", "offset"),
    [("2022-01-24T23:59:59Z", 0), ("2022-01-25T00:00:00.5Z", -0.1), ("2024-06-01T10:00:00+00:00", -0.1)],
)
def test_offset_by_date(date: str, offset: float) -> None:
    for properties in ({"datetime": date}, {"datetime": None, "start_datetime": date}):
        scaling = read_scaling(properties, {})
        assert (scaling.scale, scaling.offset) == (0.0001, offset)
        assert scaling.conflict is not None
        assert date[:10] in scaling.conflict


def test_unknown_offset() -> None:
    with pytest.raises(BadInputError, match=r"neither an offset.*nor a date.*: add one"):
        read_scaling({"s2:processing_baseline": "unknown"}, {"raster:bands": [{"offset": "nan"}]})


@given(st.integers(1, 64534))
def test_both_baselines(number: int) -> None:
    before = harmonise(np.array([number], np.uint16), Scaling(0.0001, 0, "03.01"))
    since = harmonise(np.array([number + 1000], np.uint16), Scaling(0.0001, -0.1, "04.00"))
    assert before == since == number + 1000


def test_every_number() -> None:
    every = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(harmonise(every, Scaling(0.0001, -0.1, ""))[:-1], every[:-1])
    np.testing.assert_array_equal(harmonise(every, Scaling(0.0001, 0, ""))[1:64536], every[1001:])


def test_special_numbers() -> None:
    numbers = np.array([0, 65535, 65534], np.uint16)
    for offset in (0, -0.1):
        assert harmonise(numbers, Scaling(0.0001, offset, ""))[:2].tolist() == [0, 0]
    assert harmonise(numbers, Scaling(0.0001, 0, ""))[2] == 65535
    assert harmonise(np.array([1, 999, 1001], np.uint16), Scaling(0.0001, -0.2, "")).tolist() == [1, 1, 1]
