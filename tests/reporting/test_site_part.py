"""The report shows the scores of new sites beside those of rivals, and the alerts."""

import pandas as pd

from mining_the_mines.reporting.site_part import SiteData, arrange_sites
from mining_the_mines.scoring.site_scores import SITE_SCORE_COLUMNS


def scores() -> pd.DataFrame:
    rows = [
        ("sites", "", "", "", "new_f1", 0.83, 0.74, 0.91, 50, 40),
        ("map_difference", "", "", "", "new_f1", 0.79, 0.7, 0.87, 50, 40),
        ("sites", "", "", "2020", "new_f1", 0.9, 0.8, 1.0, 20, 10),
        ("sites", "map_difference", "", "", "new_f1", 0.04, 0.01, 0.1, 50, 40),
    ]
    return pd.DataFrame(rows, columns=list(SITE_SCORE_COLUMNS))


def alerts(count: int) -> pd.DataFrame:
    row = {"site_id": "a-1", "alert": "new", "period": "2020", "hectares": 2.0, "onset_by": pd.Timestamp("2020-08-01")}
    return pd.DataFrame([row] * count, columns=list(row))


def test_tables() -> None:
    part = arrange_sites(SiteData(scores(), alerts(2)))
    assert part["score_table"].rows[0].cells[0].text == "0.83 (0.74 to 0.91)"
    assert part["difference_table"].rows[0].cells[0].text == "+0.04 (+0.01 to +0.10)"
    assert part["period_table"].rows[0].name == "2020"
    assert part["alerts"] == len(part["alert_table"].rows) == 2


def test_without_scores() -> None:
    part = arrange_sites(SiteData(scores().iloc[:0], alerts(0)))
    assert part["score_table"] is None
    assert part["alert_table"] is None
