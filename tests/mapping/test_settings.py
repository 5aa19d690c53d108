"""What a person sets has an effect, and what is left open makes way for it."""

import pytest

from mining_the_mines.mapping.settings import MappingSettings, Thresholds, VectorSettings


@pytest.mark.parametrize(
    ("seed", "grow", "expected"),
    [
        (None, None, Thresholds(seed=0.75, grow=0.5)),
        (None, 0.3, Thresholds(seed=0.65, grow=0.3)),
        (0.9, None, Thresholds(seed=0.9, grow=0.5)),
        (0.3, None, Thresholds(seed=0.3, grow=0.3)),
        (0.0, None, Thresholds(seed=0.0, grow=0.0)),
        (0.9, 0.6, Thresholds(seed=0.9, grow=0.6)),
        (0.4, 0.3, Thresholds(seed=0.4, grow=0.3)),
    ],
)
def test_seed_below_the_models_threshold(seed: float | None, grow: float | None, expected: Thresholds) -> None:
    settings = MappingSettings(vectors=VectorSettings(seed=seed, grow=grow))
    assert settings.thresholds(0.5) == expected


@pytest.mark.parametrize("threshold", [0.0, 0.37, 1.0])
def test_usual_seed(threshold: float) -> None:
    assert MappingSettings().thresholds(threshold) == Thresholds(seed=(1 + threshold) / 2, grow=threshold)


def test_formats() -> None:
    assert MappingSettings().formats == ("gpkg", "parquet")
    assert MappingSettings(geojson=True).formats == ("gpkg", "parquet", "geojson")
