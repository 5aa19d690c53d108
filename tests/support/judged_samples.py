"""Tiny samples, their strata and answers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd


def sample_of(places: Mapping[str, int], period: str = "", region: str = "tapajos", unit: str = "") -> pd.DataFrame:
    """So many places of each stratum, called ``place-0``, ``place-1`` and so on."""
    strata = [name for name, number in places.items() for _ in range(number)]
    return pd.DataFrame(
        {
            "place_id": [f"place-{number}" for number in range(len(strata))], "region": region, "period": period,
            "first_date": period or "2021-06-01", "stratum": strata, "unit": unit,
            "longitude": -56 + 0.001 * np.arange(len(strata)), "latitude": -6.0,
            "map_class": ["mine" if name.startswith("mine") else "no_mine" for name in strata],
            "mapped_hectares": [2.0 if name.startswith("mine") else 0.0 for name in strata], "weight": 1.0,
            "map_hash": "0123456789abcdef", "reviewers": "Ana", "answered": "2024-05-01",
        }
    )  # fmt: skip


def strata_of(hectares: Mapping[str, float], period: str = "", region: str = "tapajos", unit: str = "") -> pd.DataFrame:
    """Strata of these hectares in pixels of 10 m."""
    return pd.DataFrame(
        {
            "stratum": list(hectares), "period": period, "region": region, "unit": unit, "confidence": "",
            "map_class": ["mine" if name.startswith("mine") else "no_mine" for name in hectares],
            "pixels": [round(100 * area) for area in hectares.values()], "hectares": list(hectares.values()),
        }
    )  # fmt: skip


def answers_of(by_reviewer: Mapping[str, Sequence[str]], day: str = "2024-05-01") -> pd.DataFrame:
    """Answers of each reviewer to the first places, all at one time."""
    rows = [
        {"place_id": f"place-{number}", "reviewer": reviewer, "answer": answer, "answered_at": pd.Timestamp(day)}
        for reviewer, answers in by_reviewer.items()
        for number, answer in enumerate(answers)
    ]
    return pd.DataFrame(rows)
