"""Chips look as they should, whatever their values."""

import base64
import io

import numpy as np
from PIL import Image

from mining_the_mines.reporting import attention_overlay, true_colour
from mining_the_mines.reporting.pictures import inline_photograph, shrink
from support.reports import make_chip


def test_true_colour_keeps_the_order_of_brightness_and_the_hue() -> None:
    shown = true_colour(make_chip(0, 64, mine=True))
    assert shown.shape == (64, 64, 3)
    brightest = np.unravel_index(shown.sum(axis=-1).argmax(), shown.shape[:2])
    red, green, blue = shown[brightest].astype(int)
    assert red >= green >= blue


def test_nodata_is_grey_and_does_not_spoil_the_stretch() -> None:
    chip = make_chip(0, 64, mine=True)
    holed = chip.copy()
    holed[:, :4] = np.nan
    assert (true_colour(holed)[:4] == 128).all()
    assert np.abs(true_colour(holed)[8:].astype(int) - true_colour(chip)[8:]).mean() < 12


def test_a_chip_without_data_is_grey() -> None:
    assert (true_colour(np.full((3, 4, 4), np.nan, np.float32)) == 128).all()


def test_a_chip_of_one_colour_is_not_stretched_into_noise() -> None:
    flat = np.full((3, 8, 8), 0.05, np.float32)
    assert np.ptp(true_colour(flat + np.random.default_rng(0).normal(0, 1e-4, flat.shape).astype(np.float32))) < 10


def test_attention_is_brightest_where_it_is_largest() -> None:
    photograph = np.full((40, 40, 3), 60, np.uint8)
    attention = np.zeros((4, 4), np.float32)
    attention[0, 3] = 5
    brightness = attention_overlay(photograph, attention).sum(axis=-1)
    assert brightness[:10, 30:].mean() > 2 * brightness[20:, :20].mean()


def test_no_attention_at_all_leaves_a_grey_photograph() -> None:
    overlay = attention_overlay(np.full((8, 8, 3), 100, np.uint8), np.full((2, 2), np.nan, np.float32))
    assert (overlay == 80).all()


def test_large_photographs_are_shrunk_and_small_ones_are_left() -> None:
    for size, expected in ((512, 144), (48, 48)):
        address = inline_photograph(shrink(np.zeros((size, size, 3), np.uint8), 144))
        image = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))
        assert image.size == (expected, expected)
