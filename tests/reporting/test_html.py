"""The report opens offline, holds what a reader needs and leaves out what a run does not have."""

import dataclasses
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.reporting import (
    ClassificationData,
    CompositeData,
    Picture,
    ReportData,
    ReportSection,
    SegmentationData,
    render_report,
)
from mining_the_mines.scoring import BootstrapSettings, score_table
from support.report_composites import make_composites, make_scenes, make_view
from support.reports import make_folds, make_gallery


class Page(HTMLParser):
    """Collects the elements, ids and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data

    def ids(self) -> list[str]:
        """All ids, in the order of the page."""
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


@pytest.fixture(scope="module")
def bare(detection: ClassificationData) -> ReportData:
    """One model's out-of-fold scores and nothing else."""
    rows = detection.predictions.query("model == 'baseline'").dropna(subset=["fold"])
    rows = rows.drop(columns=["category", "longitude", "latitude"])
    scores = score_table(rows, detection.thresholds, BootstrapSettings(resamples=20))
    return ReportData("Scores alone", ClassificationData("baseline", rows, detection.thresholds, scores))


def with_detection(contents: ReportData, **changes: Any) -> ReportData:
    """The same report, with other figures or pictures of the classifiers."""
    assert contents.detection is not None
    return dataclasses.replace(contents, detection=dataclasses.replace(contents.detection, **changes))


@pytest.fixture(scope="module")
def bare_report(bare: ReportData) -> str:
    return render_report(bare)


@pytest.fixture(scope="module")
def report(contents: ReportData) -> str:
    return render_report(contents)


@pytest.fixture(scope="module")
def page(report: str) -> Page:
    return Page(report)


def test_nothing_is_fetched_from_outside_the_file(report: str, page: Page) -> None:
    addresses = [
        attributes[name]
        for _, attributes in page.elements
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster")
        if name in attributes
    ]
    assert addresses
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not re.search(r"https?:|//[a-z]+\.|@import", report)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    assert all(target.startswith(("#", "data:")) for target in re.findall(r"url\(['\"]?([^)]*)\)", report))


def test_every_id_is_unique_and_every_link_within_the_page_leads_somewhere(report: str, page: Page) -> None:
    ids = page.ids()
    assert len(ids) == len(set(ids))
    targets = {a[n][1:] for _, a in page.elements for n in ("href", "xlink:href") if a.get(n, "").startswith("#")}
    targets |= set(re.findall(r"url\(#([^)]+)\)", report))
    assert targets <= set(ids)


def test_every_picture_has_a_text_for_those_who_cannot_see_it(page: Page) -> None:
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    drawings = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert len(images) == 16
    assert len(drawings) > 10
    assert all(image["alt"] for image in images)
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in drawings)


def test_the_answer_comes_first_with_the_chosen_models_figures(detection: ClassificationData, page: Page) -> None:
    table = detection.score_table
    rows = table[(table["split"] == "test") & (table["model"] == "blend") & table["category_excluded"].isna()]
    recall = rows.set_index("metric").loc["recall"]
    text = re.sub(r"\s+", " ", page.text)
    assert f"the blend of models finds {100 * recall['value']:.0f} %" in text
    assert f"({100 * recall['low']:.0f} to {100 * recall['high']:.0f} %)" in text
    assert text.index("the blend of models finds") < text.index("Log loss")


def test_all_models_stand_side_by_side_with_intervals_on_both_splits(detection: ClassificationData, page: Page) -> None:
    table = detection.score_table
    for split in ("test", "out-of-fold"):
        rows = table[(table["split"] == split) & (table["metric"] == "roc_auc") & table["category_excluded"].isna()]
        assert len(rows) == 3
        for value, low, high in rows[["value", "low", "high"]].itertuples(index=False):
            assert f"{value:.3f}{low:.3f}–{high:.3f}" in page.text


def test_every_rejected_chip_is_listed_with_its_reason(page: Page) -> None:
    for text in ("train_718.tif", "train_788.tif", "all zero", "unreadable: not a TIFF"):
        assert text in page.text


def test_what_was_run_is_written_down(contents: ReportData, page: Page) -> None:
    for name, value in {**contents.run_facts, **contents.parameters}.items():
        assert name in page.text
        assert value in page.text


def test_names_from_the_data_cannot_change_the_page(detection: ClassificationData, bare: ReportData) -> None:
    evil = "<script>alert(1)</script>"
    tile = dataclasses.replace(detection.gallery[0], filename=evil, category=evil)
    report = render_report(
        dataclasses.replace(with_detection(bare, gallery=(tile,)), title=evil, run_facts={evil: evil})
    )
    assert "alert(1)" in report
    assert "<script" not in report


def test_light_and_dark_pages_share_their_drawings(report: str) -> None:
    assert "prefers-color-scheme: dark" in report
    assert "var(--ink)" in report
    assert "#1b1f24" not in report.split("</style>", 1)[1]


def test_the_same_contents_give_the_same_bytes(bare: ReportData, bare_report: str) -> None:
    assert render_report(bare) == bare_report


def test_a_report_with_300_pictured_chips_can_be_sent_by_mail(bare: ReportData) -> None:
    tiles = make_gallery(make_folds(40), each=2, size=256)
    noise = np.random.default_rng(0).integers(0, 60, (256, 256, 3), dtype=np.uint8)
    many = tuple(
        dataclasses.replace(tile, true_colour=np.roll(noise, shift, axis=0)) for tile in tiles for shift in range(38)
    )
    assert len(many) > 300
    assert len(render_report(with_detection(bare, gallery=many))) < 8e6


def test_a_run_with_scores_alone_makes_a_report_too(bare_report: str) -> None:
    ids = Page(bare_report).ids()
    assert {"answer", "scores", "curves", "threshold", "data", "run"} <= set(ids)
    assert not {"gallery", "map", "categories", "learning"} & set(ids)


def test_without_a_test_split_the_report_says_so_and_shows_out_of_fold_figures(bare_report: str) -> None:
    page = Page(bare_report)
    assert "No chips were kept out for a test" in page.text
    assert "On the test chips" not in page.text


def test_a_test_split_of_one_class_is_reported_without_curves(detection: ClassificationData, bare: ReportData) -> None:
    rows = detection.predictions.query("model == 'baseline'").drop(columns=["category", "longitude"])
    mines = rows[rows["fold"].notna() | (rows["label"] == 1)]
    table = score_table(mines, detection.thresholds, BootstrapSettings(resamples=20))
    page = Page(render_report(with_detection(bare, predictions=mines, score_table=table)))
    assert not [name for name in page.ids() if name.startswith("roc-test")]
    assert [name for name in page.ids() if name.startswith("roc-outoffold")]


def test_further_sections_hold_text_pictures_and_tables(bare: ReportData) -> None:
    table = pd.DataFrame({"unit": ["North", None], "hectares": [12.34567, np.nan]})
    section = ReportSection("Hectares", ("Two units.",), (Picture("<svg></svg>", "A drawing"),), {"Units": table})
    page = Page(render_report(dataclasses.replace(bare, sections=(section,))))
    for text in ("Hectares", "Two units.", "A drawing", "Units", "North", "12.35", "–"):
        assert text in page.text


def test_if_nothing_was_rejected_the_report_says_so(bare: ReportData) -> None:
    manifest = pd.DataFrame({"filename": ["a.tif"], "verdict": "accepted", "reason": None})
    assert "No chip was rejected." in Page(render_report(dataclasses.replace(bare, manifest=manifest))).text


def test_a_report_on_outlines_alone_has_no_part_on_detection(outlines: SegmentationData) -> None:
    page = Page(render_report(ReportData("Outlines", outlines=outlines)))
    ids = set(page.ids())
    assert {"answer", "outline-scores", "outline-threshold", "outline-gallery", "masks", "outline-learning"} <= ids
    assert not {"scores", "curves", "threshold", "gallery", "learning"} & ids


def test_a_report_on_both_answers_both_questions_and_names_each_limit_once(
    contents: ReportData, detection: ClassificationData, outlines: SegmentationData
) -> None:
    places = int(detection.score_table.query("split == 'test'")["places"].iloc[0])
    as_few = dataclasses.replace(outlines, score_table=outlines.score_table.assign(places=places))
    page = Page(render_report(dataclasses.replace(contents, outlines=as_few)))
    assert page.text.count("Is there a mine in a chip?") == 2
    assert page.text.index("the blend of models finds") < page.text.index("outlines and true mines overlap")
    assert page.text.count("places to resample") == 1
    ids = page.ids()
    assert len(ids) == len(set(ids))
    targets = {attributes["href"][1:] for tag, attributes in page.elements if tag == "a"}
    assert targets <= set(ids)


def test_a_report_on_both_fetches_nothing_and_describes_every_picture(
    contents: ReportData, outlines: SegmentationData
) -> None:
    report = render_report(dataclasses.replace(contents, outlines=outlines))
    page = Page(report)
    assert not re.search(r"https?:|//[a-z]+\.|@import|<script", report)
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == 16 + 2 * len(outlines.gallery)
    assert all(image["alt"] and image["src"].startswith("data:image/") for image in images)


def test_outlines_without_anything_but_scores_make_a_report_too(outlines: SegmentationData) -> None:
    chips = outlines.chip_table.drop(columns=["longitude", "latitude"])
    alone = SegmentationData(outlines.score_table, chips, threshold=0.5)
    ids = set(Page(render_report(ReportData("Outlines", outlines=alone))).ids())
    assert {"outline-scores", "outline-threshold"} <= ids
    assert not {"outline-gallery", "outline-map", "masks", "outline-learning", "outline-detection"} & ids


def test_names_of_outlined_chips_cannot_change_the_page(outlines: SegmentationData) -> None:
    evil = "<script>alert(1)</script>"
    tile = dataclasses.replace(outlines.gallery[0], filename=evil)
    masks = pd.DataFrame({"filename": [evil], "reason": [evil], "mine_pixels": 0, "known_pixels": 1})
    masks = masks.assign(slivers=0, mine_hectares=0.0)
    changed = dataclasses.replace(outlines, gallery=(tile,), mask_table=masks)
    report = render_report(ReportData("Outlines", outlines=changed))
    assert "alert(1)" in report
    assert "<script" not in report


def test_composites_stand_before_the_data_with_both_pictures_of_each_region(bare: ReportData) -> None:
    composites = make_composites()
    report = render_report(dataclasses.replace(bare, composites=composites))
    page = Page(report)
    assert page.ids().index("composites") < page.ids().index("data")
    assert ("a", {"href": "#composites"}) in page.elements
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == 2 * len(composites.regions)
    assert all(image["alt"] and image["src"].startswith("data:image/") for image in images)
    assert "2 too cloudy, 1 processed again" in page.text
    assert not re.search(r"https?:|//[a-z]+\.|@import|<script", report)


def test_a_report_without_composites_does_not_mention_them(bare_report: str) -> None:
    assert "composites" not in Page(bare_report).ids()
    assert "What the chips were cut from" not in bare_report


def test_names_of_regions_and_scenes_cannot_change_the_page(bare: ReportData) -> None:
    evil = "<script>alert(1)</script>"
    left_out = pd.DataFrame({"region": [evil], "item": [evil], "datetime": [evil], "reason": [evil]})
    composites = CompositeData((make_view(evil, size=16),), make_scenes((evil,)), left_out)
    report = render_report(dataclasses.replace(bare, composites=composites))
    assert "alert(1)" in report
    assert "<script" not in report


def test_a_report_about_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the scores of a classifier or of outlines"):
        render_report(ReportData("Nothing"))
