"""Adaptation of a classifier to a region."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.scoring.adaptation import AdaptationSettings, AdaptedThreshold, adapt
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.calibration import HomeCalibration

HOME = HomeCalibration(share=0.5)
SETTINGS = AdaptationSettings(bootstrap=BootstrapSettings(resamples=100))


def region(labels: int, chips: int = 200, shift: float = -2.0, seed: int = 0) -> pd.DataFrame:
    """Chips whose probabilities are too high by ``shift`` in log-odds; the first ones are labelled."""
    random = np.random.default_rng(seed)
    true_odds = random.normal(-0.5, 3, chips)
    truth = (random.random(chips) < expit(true_odds)).astype(int)
    return pd.DataFrame(
        {
            "label": pd.array([*truth[:labels], *[pd.NA] * (chips - labels)], dtype="Int64"),
            "truth": truth,
            "place": [f"place-{number // 2}" for number in range(chips)],
            "probability": expit(true_odds - shift),
        }
    )


def f1_of(chips: pd.DataFrame, adapted: AdaptedThreshold) -> float:
    """F1 of all chips, labelled or not."""
    odds = logit(chips["probability"].to_numpy())
    calls = adapted.calibration.apply(odds) >= adapted.threshold.value
    return float(2 * (calls * chips["truth"]).sum() / (calls.sum() + chips["truth"].sum()))


def test_labels_move_the_threshold() -> None:
    chips = region(50)
    adapted = adapt(chips, 0.5, HOME, SETTINGS)
    unadapted = adapt(region(0), 0.5, HOME, SETTINGS)
    assert f1_of(chips, adapted) > f1_of(chips, unadapted) + 0.03
    assert adapted.calibration.shift < -0.8
    assert (adapted.labels, adapted.places) == (50, 25)
    assert adapted.threshold.low <= adapted.threshold.value <= adapted.threshold.high
    assert adapted.share.value == pytest.approx(chips["truth"].mean(), abs=0.1)


def test_scores_before_and_after() -> None:
    scores = adapt(region(50), 0.5, HOME, SETTINGS).scores.set_index(["metric", "state"])["value"]
    assert scores["f1", "after"] - scores["f1", "before"] == pytest.approx(scores["f1", "difference"])
    assert scores["log_loss", "after"] < scores["log_loss", "before"]


def test_labels_that_suffice() -> None:
    many = adapt(region(200), 0.5, HOME, SETTINGS)
    assert many.suffices
    assert "The labels suffice: F1 lies between" in many.reason
    few = adapt(region(12), 0.5, HOME, SETTINGS)
    assert not few.suffices
    assert few.reason.startswith("The labels do not suffice")


def test_labels_of_one_place() -> None:
    adapted = adapt(region(40).assign(place="here"), 0.5, HOME, SETTINGS)
    assert not adapted.suffices
    assert "in 1 places, where 5 of each are needed" in adapted.reason
    assert np.isnan(adapted.threshold.low)


def test_without_labels() -> None:
    chips = region(0)
    home = adapt(chips, 0.5, HOME, SETTINGS)
    assert (home.calibration.scale, home.calibration.shift) == (1, 0)
    assert not home.suffices
    assert home.scores.empty
    many = region(0, chips=1000, shift=0)
    fewer = many[(many["truth"] == 0) | (many.index % 10 == 0)]
    shares = adapt(fewer, 0.5, HOME, SETTINGS.model_copy(update={"without_labels": "share"}))
    assert shares.calibration.shift < -1


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ([0, 1] * 2 + [1], "5 labels of the region are too few to adapt a threshold to: label 10 chips at least"),
        ([1] * 12, "All 12 labels of the region say a mine, and a threshold needs chips of both classes"),
        ([0] * 12, "All 12 labels of the region say no mine"),
    ],
)
def test_labels_that_are_refused(labels: list[int], fault: str) -> None:
    chips = region(0)
    chips["label"] = pd.array([*labels, *[pd.NA] * (len(chips) - len(labels))], dtype="Int64")
    with pytest.raises(BadInputError, match=fault):
        adapt(chips, 0.5, HOME, SETTINGS)
