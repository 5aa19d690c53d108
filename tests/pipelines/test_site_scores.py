"""The node that scores sites gathers claims from the table of sites."""

import pandas as pd

from mining_the_mines.monitoring.period_settings import PeriodSceneSettings
from mining_the_mines.pipelines.monitoring.score_nodes import claims_of_sites, score_sites
from mining_the_mines.scoring.site_scores import SITE_SCORE_COLUMNS, SiteEvaluation
from support.sites import tiny_sites


def test_claims() -> None:
    (claim,) = claims_of_sites(tiny_sites()).to_dict("records")
    assert (claim["object"], claim["period"]) == ("tapajos-0002", "2020")
    assert claim["confirmed_on"] == pd.Timestamp("2021-12-31")  # by the second look


def test_claims_without_confirmation() -> None:
    sites = tiny_sites()
    claims = claims_of_sites(sites.assign(confirmation="provisional"))
    assert claims["confirmed_on"].isna().all()
    assert str(claims["confirmed_on"].dtype).startswith("datetime64")
    assert claims_of_sites(sites[:0]).empty


def test_without_known_mines() -> None:
    objects, table = score_sites(tiny_sites(), (), None, None, {}, PeriodSceneSettings(), SiteEvaluation())
    assert objects.empty
    assert table.empty
    assert list(table.columns) == list(SITE_SCORE_COLUMNS)
