"""Evidence sheets on paper: printed by a real browser."""

import re
from base64 import b64decode
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from mining_the_mines.evidence.looks import Look
from mining_the_mines.evidence.sheet import Basis, Sheet, make_sheet
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.monitoring.site_table import site_table
from mining_the_mines.registry.card import HEADLINES
from mining_the_mines.registry.package import NATIVE, Figure, StoredPackage
from support.browser import Browser
from support.registered_models import description, facts
from support.sites import site_row

#: Hash of an empty folder.
NATIVE_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#: Sides whose content is higher than they are, and tables that reach into the margin.
CUT_OFF = """[
  ...[...document.querySelectorAll(".side")].filter(side => side.scrollHeight > side.clientHeight + 1),
  ...[...document.querySelectorAll("table")].filter(table => {
    const side = table.closest(".side"), margin = parseFloat(getComputedStyle(side).paddingRight);
    return table.getBoundingClientRect().right > side.getBoundingClientRect().right - margin + 1;
  })].map(cut => cut.innerText.slice(0, 40))"""


def printed(browser: Browser, sheet: Sheet, folder: Path) -> tuple[int, list[str]]:
    """Print a sheet; the number of its pages, and the beginnings of what is cut off."""
    path = folder / f"{sheet.site}.html"
    path.write_bytes(sheet.page)
    browser.open(path.as_uri())
    pdf = b64decode(browser.send("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])
    browser.send("Emulation.setEmulatedMedia", media="print")
    cut_off = browser.run(CUT_OFF)
    browser.send("Emulation.setEmulatedMedia", media="")
    assert browser.complaints() == []
    return len(re.findall(rb"/Type\s*/Page\b", pdf)), cut_off


def test_two_sides(browser: Browser, basis: Basis, tmp_path: Path) -> None:
    sheet = make_sheet("tapajos-0002", basis)
    assert printed(browser, sheet, tmp_path) == (2, [])
    assert browser.requests() == [(tmp_path / "tapajos-0002.html").as_uri()]


def test_two_sides_for_all_that_a_sheet_can_hold(browser: Browser, basis: Basis, tmp_path: Path) -> None:
    months = [Period(f"{2018 + month // 12}-{month % 12 + 1:02}-of-the-dry-season",
                     date(2018 + month // 12, month % 12 + 1, 1), date(2018 + month // 12, month % 12 + 1, 28))
              for month in range(60)]  # fmt: skip
    days = tuple(date(2018, 1, 1) + timedelta(days=2 * step) for step in range(180))
    known = basis.maps[0].map
    record = replace(known.record, scene=replace(known.record.scene, dates=days), model_hash=NATIVE_HASH)
    maps = [Look(month, replace(known, record=record)) for month in months]
    angles, rays = np.linspace(0, 2 * np.pi, 25, endpoint=False), np.arange(25) % 2 * 4e-4 + 6e-4
    pit = shapely.Polygon(np.column_stack([-56 + rays * np.cos(angles), -6 + rays * np.sin(angles)]))
    joined = " ".join(f"tapajos-{number:04}" for number in range(12))
    onset: dict[str, Any] = {
        "onset_after": date(2018, 3, 5),
        "onset_by": date(2018, 4, 1),
        "joined": joined,
        "geometry": pit,
    }
    status = ["baseline", *["unchanged"] * 55, "not_seen"]
    rows = [site_row(month, status=now, **onset) for month, now in zip(months[3:], status, strict=True)]
    long = "Área de proteção ambiental do Alto Tapajós e de todos os seus afluentes, parte do sul"
    box = shapely.box(-57, -7, -55, -5)
    areas = NamedAreas(tuple(f"{long} {number}" for number in range(9)), pd.Series([box] * 9).to_numpy(), __file__)
    answers = pd.DataFrame({"longitude": -56.0, "latitude": -6.0, "reviewer": [long] * 9, "answer": "cannot_tell",
                            "answered_at": pd.Timestamp(2026, 1, 2)})  # fmt: skip
    (tmp_path / NATIVE).mkdir()
    scores = tuple(
        Figure(split="test", metric=name, value=0.7, low=0.6, high=0.8) for name in HEADLINES["segmentation"]
    )
    package = StoredPackage(
        tmp_path, description("segmentation"), facts().model_copy(update={"scores": scores}), f"**{long}**"
    )
    layers = {"Concessions": areas, "Protected areas": areas}
    full = Basis(site_table(rows), maps, layers, [package], answers)
    assert printed(browser, make_sheet("tapajos-0001", full), tmp_path) == (2, [])
