"""A champion is not scored on what it was trained on, whatever the chips are called now."""

import hypothesis
import hypothesis.strategies as st
import numpy as np

from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.registry.seen_chips import hash_chips, not_seen
from support.chip_files import BANDS, ground
from support.registered_models import hashes


def test_a_chip_that_was_renamed_is_still_known() -> None:
    before = pack_in_memory([ground(0), ground(1)], ["a.tif", "b.tif"], BANDS)
    now = pack_in_memory([ground(1), ground(2)], ["x.tif", "y.tif"], BANDS)
    seen = hash_chips(before, ["a.tif", "b.tif"])
    assert not_seen(hash_chips(now, ["x.tif", "y.tif"]), seen) == ["y.tif"]


def test_a_chip_is_known_by_the_bands_that_both_models_have() -> None:
    before = pack_in_memory([ground(0)], ["a.tif"], BANDS)
    fewer = pack_in_memory([ground(0)[[3, 1]], ground(1)[[3, 1]]], ["x.tif", "y.tif"], [BANDS[3], BANDS[1]])
    assert not_seen(hash_chips(fewer, ["x.tif", "y.tif"]), hash_chips(before, ["a.tif"])) == ["y.tif"]


def test_where_no_band_is_shared_every_chip_may_have_been_seen() -> None:
    assert not_seen(hashes([["1"]], ["B2"]), hashes([["2"]], ["B3"])) == []


def test_one_pixel_makes_another_chip() -> None:
    changed = ground(0)
    changed[0, 0, 0] += np.float32(0.01)
    packed = pack_in_memory([ground(0), changed], ["a.tif", "b.tif"], BANDS)
    assert not_seen(hash_chips(packed, ["b.tif"]), hash_chips(packed, ["a.tif"])) == ["b.tif"]


@hypothesis.given(st.lists(st.sampled_from("abcdef"), unique=True), st.sets(st.sampled_from("abcdef")))
def test_what_is_left_is_what_is_new(candidates: list[str], seen: set[str]) -> None:
    left = not_seen(hashes([[name] for name in candidates], ["B2"]), hashes([[name] for name in sorted(seen)], ["B2"]))
    assert left == [f"chip_{number}.tif" for number, name in enumerate(candidates) if name not in seen]
