"""The report opens offline, shows all its data and leaves out missing parts."""

import dataclasses
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.reporting.classification_part import ClassificationData
from mining_the_mines.reporting.composite_part import CompositeData
from mining_the_mines.reporting.map_part import MapData
from mining_the_mines.reporting.page import ReportData, render_report, without_run_facts
from mining_the_mines.reporting.segmentation_part import SegmentationData
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.tables import score_table
from support.report_composites import make_composites, make_scenes, make_view
from support.report_maps import make_maps
from support.report_maps import make_view as make_map
from support.report_pages import Page

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def bare(classification: ClassificationData) -> ReportData:
    """Out-of-fold scores of one model and nothing else."""
    rows = classification.predictions.query("model == 'trees'").dropna(subset=["fold"])
    rows = rows.drop(columns=["category", "longitude", "latitude"])
    scores = score_table(rows, classification.thresholds, BootstrapSettings(resamples=20))
    return ReportData("Scores alone", ClassificationData("trees", rows, classification.thresholds, scores))


def changed(data: ReportData, **changes: Any) -> ReportData:
    """The same report with other data of the classifiers."""
    assert data.classification is not None
    return dataclasses.replace(data, classification=dataclasses.replace(data.classification, **changes))


@pytest.fixture(scope="module")
def whole(data: ReportData, segmentation: SegmentationData) -> str:
    """A report with all parts."""
    everything = dataclasses.replace(data, segmentation=segmentation, composites=make_composites(), maps=make_maps())
    return render_report(everything)


@pytest.fixture(scope="module")
def page(whole: str) -> Page:
    return Page(whole)


@pytest.fixture(scope="module")
def bare_page(bare: ReportData) -> Page:
    return Page(render_report(bare))


def test_nothing_is_fetched(whole: str, page: Page) -> None:
    names = ("src", "href", "xlink:href", "srcset", "data", "action", "poster")
    addresses = [attributes[name] for _, attributes in page.elements for name in names if name in attributes]
    assert addresses
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not re.search(r"https?:|//[a-z]+\.|@import", whole)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    assert all(target.startswith(("#", "data:")) for target in re.findall(r"url\(['\"]?([^)]*)\)", whole))


def test_ids_are_unique_and_links_lead_somewhere(whole: str, page: Page) -> None:
    ids = page.ids()
    assert len(ids) == len(set(ids))
    targets = {a[n][1:] for _, a in page.elements for n in ("href", "xlink:href") if a.get(n, "").startswith("#")}
    targets |= set(re.findall(r"url\(#([^)]+)\)", whole))
    assert targets <= set(ids)


def test_every_picture_is_described(page: Page, segmentation: SegmentationData) -> None:
    images = page.images()
    assert len(images) == 16 + 2 * len(segmentation.gallery) + 2 * 2 + 2
    assert all(image["alt"] and image["src"].startswith("data:image/") for image in images)
    drawings = [attributes for _, attributes in page.elements if attributes.get("role") == "img"]
    assert len(drawings) > 20
    assert all(drawing["aria-label"] for drawing in drawings)


def test_all_models_stand_side_by_side(classification: ClassificationData, page: Page) -> None:
    table = classification.score_table
    for split in ("test", "out-of-fold"):
        rows = table[(table["split"] == split) & (table["metric"] == "roc_auc") & table["category_excluded"].isna()]
        assert len(rows) == 3
        for value, low, high in rows[["value", "low", "high"]].itertuples(index=False):
            assert f"{value:.3f}{low:.3f}–{high:.3f}" in page.text


def test_rejected_chips_run_facts_and_parameters(data: ReportData, page: Page) -> None:
    for text in ("train_718.tif", "train_788.tif", "all zero", "unreadable: not a TIFF"):
        assert text in page.text
    for name, value in {**data.run_facts, **data.parameters}.items():
        assert name in page.text
        assert value in page.text


def test_data_cannot_change_the_page(
    bare: ReportData, classification: ClassificationData, segmentation: SegmentationData
) -> None:
    tile = dataclasses.replace(classification.gallery[0], filename=EVIL, category=EVIL)
    masks = pd.DataFrame({"filename": [EVIL], "reason": [EVIL], "mine_pixels": 0, "known_pixels": 1})
    segmented = dataclasses.replace(
        segmentation,
        gallery=(dataclasses.replace(segmentation.gallery[0], filename=EVIL),),
        mask_table=masks.assign(slivers=0, mine_hectares=0.0),
    )
    left_out = pd.DataFrame({"region": [EVIL], "item": [EVIL], "datetime": [EVIL], "reason": [EVIL]})
    composites = CompositeData((make_view(EVIL, size=16),), make_scenes((EVIL,)), left_out, (EVIL,))
    evil = dataclasses.replace(
        changed(bare, gallery=(tile,)),
        title=EVIL,
        run_facts={EVIL: EVIL},
        segmentation=segmented,
        composites=composites,
        maps=MapData((make_map(EVIL),), left_out=pd.DataFrame({"scene": [EVIL], "reason": [EVIL]})),
        caveats=(EVIL,),
    )
    report = render_report(evil)
    assert report.count("alert(1)") > 15
    assert "<script" not in report


def test_run_facts_can_be_left_out(bare: ReportData) -> None:
    pages = [render_report(dataclasses.replace(bare, run_facts={"Run": run})) for run in ("one", "two")]
    assert pages[0] != pages[1]
    assert without_run_facts(pages[0]) == without_run_facts(pages[1])


def test_scores_alone(bare_page: Page) -> None:
    ids = set(bare_page.ids())
    assert {"summary", "scores", "curves", "threshold", "data", "run"} <= ids
    assert not {"gallery", "map", "categories", "learning", "composites", "maps", "segmentation-scores"} & ids
    assert "No chips were kept out for a test" in bare_page.text
    assert "On the test chips" not in bare_page.text


def test_segmentation_alone(segmentation: SegmentationData) -> None:
    ids = set(Page(render_report(ReportData("Segmentation", segmentation=segmentation))).ids())
    assert {"summary", "segmentation-scores", "segmentation-gallery", "masks", "segmentation-learning"} <= ids
    assert not {"scores", "curves", "threshold", "gallery", "learning"} & ids


def test_further_tables(bare: ReportData) -> None:
    table = pd.DataFrame({"unit": ["North", None], "hectares": [12.34567, np.nan]})
    text = Page(render_report(dataclasses.replace(bare, tables={"mines_by_unit": table}))).text
    assert all(words in text for words in ("Mines by unit", "North", "12.35"))


def test_report_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="or maps: run the pipeline evaluation or mapping first"):
        render_report(ReportData("Nothing"))
