"""Answers become labels beside the ground that is kept for tests and estimates."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import read_grid
from mining_the_mines.pipelines.corrections.nodes import learn_from_reviews
from mining_the_mines.review.answer_table import answer_table
from support.chip_polygons import LEFT, utm_grid
from support.composites import composite_at


def answer(place: str, longitude: float, latitude: float) -> dict[str, Any]:
    return {
        "place_id": place, "answer": "no_mine", "reviewer": "Ana", "longitude": longitude, "latitude": latitude,
        "answered_at": "2026-11-30T12:00:00Z", "answer_id": place,
    }  # fmt: skip


def test_regions_and_chips_of_the_test_split_teach_nothing(tmp_path: Path) -> None:
    north = composite_at(tmp_path)
    south = composite_at(tmp_path, "south", utm_grid(64, 80, left=LEFT + 40_000))
    centres = [np.reshape(read_grid(each.image).wgs84_bounds, (2, 2)).mean(axis=0) for each in (north, south)]
    (x, y), (east, down) = (centre.tolist() for centre in centres)
    far = east + 0.1  # the chip of the test split, which lies in the region south, too
    manifest = pd.DataFrame(
        {
            "filename": ["tested.tif", "trained.tif"], "left": [far, east], "bottom": [down, down],
            "right": [far + 0.006, east + 0.006], "top": [down + 0.006, down + 0.006],
        }
    )  # fmt: skip
    folds = pd.DataFrame({"filename": manifest["filename"], "split": ["test", "train"], "place": "south/r0c0"})
    answers = [answer("region", x, y), answer("chip", far + 0.01, down), answer("free", east, down)]
    corrections, polygons = learn_from_reviews(answer_table(answers), None, [north, south], manifest, folds, None)
    assert corrections["place_id"].tolist() == ["free"]
    assert polygons.empty
    with pytest.raises(BadInputError, match="None of the 2 answers can be learnt from"):
        learn_from_reviews(answer_table(answers[:2]), None, [north, south], manifest, folds, None)
