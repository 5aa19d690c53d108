"""The pipelines in Kedro-Viz, as a static site in a real browser."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.browser import Browser
from support.projects import PROJECT, kedro

pytestmark = pytest.mark.end_to_end

LAYERS = ["01_raw", "02_intermediate", "03_primary", "04_feature", "06_models", "07_model_output", "08_reporting"]

BOXES = {
    "acquisition", "compositing", "preprocessing", "classification", "segmentation", "mapping", "monitoring",
    "sampling", "area_estimation", "reporting",
}  # fmt: skip
BOXES_ALONE = "?pid=__default__&types=nodes"
KINDS = ("modularPipeline", "task", "data")


class QuietHandler(SimpleHTTPRequestHandler):
    """Files of a folder, without a line a request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Site:
    """A built site, and where it is served."""

    folder: Path
    address: str

    def read(self, name: str) -> Any:
        """What the page asks for."""
        return json.loads((self.folder / "api" / name).read_bytes())

    def node(self, name: str) -> Any:
        """What the page knows of a node or dataset when it is clicked."""
        return self.read(f"nodes/{self.identity(name)}")

    def identity(self, name: str) -> str:
        """Kedro-Viz's own name of a node or dataset."""
        return str(next(node["id"] for node in self.read("main")["nodes"] if node["name"] == name))


@pytest.fixture(scope="module")
def site(default_project: Path) -> Iterator[Site]:
    """The site of a project that has run, built as anybody would and served on this machine only."""
    built = kedro(default_project, "viz", "build", "--include-previews")
    assert "Success" in built.stdout, built.stdout + built.stderr
    for trouble in ("could not be previewed", "Layers visualisation is disabled"):
        assert trouble not in built.stdout + built.stderr, built.stdout + built.stderr
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(default_project / "build")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Site(default_project / "build", f"http://127.0.0.1:{server.server_port}/")
    server.shutdown()
    server.server_close()
    shutil.rmtree(default_project / "build")  # Kedro-Viz publishes parameters, planted passwords among them


def wait_for(browser: Browser, script: str) -> Any:
    """Wait until a script gives something: the page draws itself with a worker."""
    deadline = time.monotonic() + 30
    while not (value := browser.run(script)):
        assert time.monotonic() < deadline, f"{script} stays {value}"
        time.sleep(0.2)
    return value


def test_layers_are_drawn_in_the_order_of_the_work(site: Site) -> None:
    assert site.read("main")["layers"] == LAYERS
    for pipeline in site.read("main")["pipelines"]:
        drawn = site.read(f"pipelines/{pipeline['id']}")
        used = {node.get("layer") for node in drawn["nodes"]}
        assert [layer for layer in drawn["layers"] if layer in used] == [layer for layer in LAYERS if layer in used]


def test_every_dataset_that_is_kept_has_a_layer(site: Site) -> None:
    for node in site.read("main")["nodes"]:
        if node["type"] == "data" and "MemoryDataset" not in node["dataset_type"]:
            assert node["layer"] in LAYERS, node["name"]


def test_stages_are_boxes_and_whatever_stays_within_one_is_folded_into_it(site: Site) -> None:
    (root,) = (tree for name, tree in site.read("main")["modular_pipelines"].items() if name == "__root__")
    kinds = {kind: {child["id"] for child in root["children"] if child["type"] == kind} for kind in KINDS}
    assert kinds["modularPipeline"] == BOXES
    assert kinds["task"] == set()
    # What goes from one box to another, into the first or out of the last: Kedro-Viz folds none of these.
    assert len(kinds["data"]) <= 85


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("raw_chips", "ImagePreview"), ("composites", "ImagePreview"), ("scene_maps", "ImagePreview"),
        ("manifest", "TablePreview"), ("selected_scenes", "TablePreview"), ("classification.scores", "TablePreview"),
        ("map_scores", "TablePreview"), ("concessions", "TablePreview"),
        ("segmentation.chip_predictions", "TablePreview"),
    ],
)  # fmt: skip
def test_a_dataset_can_be_looked_at(site: Site, name: str, kind: str) -> None:
    seen = site.node(name)
    assert seen["preview_type"] == kind
    assert seen["preview"]


def test_previews_are_small(site: Site) -> None:
    assert max(path.stat().st_size for path in (site.folder / "api/nodes").iterdir()) < 1_000_000


def test_the_page_says_how_the_last_run_ended(site: Site) -> None:
    status = site.read("run-status")
    assert status["pipeline"]["status"] == "success"
    assert status["nodes"][site.identity("write_report")]["status"] == "success"


def test_nobody_is_told_who_looks_at_the_site(site: Site) -> None:
    assert "heap" not in (site.folder / "index.html").read_text("utf-8")


def test_a_browser_draws_boxes_layers_and_a_picture(site: Site, browser: Browser, tmp_path: Path) -> None:
    browser.open(f"{site.address}?pid=__default__&sid={site.identity('raw_chips')}", 1600, 1000)
    drawn = wait_for(browser, "[...document.querySelectorAll('.pipeline-node__text')].map(one => one.textContent)")
    assert {"preprocessing", "mapping", "raw_chips", "report"} <= set(drawn)
    layers = wait_for(browser, "[...document.querySelectorAll('.pipeline-layer-name')].map(one => one.textContent)")
    assert [name for name in LAYERS if name in layers] == [name for name in LAYERS if name != "04_feature"]  # in a box
    width = wait_for(browser, "document.querySelector('.pipeline-metadata__plot-image')?.naturalWidth")
    assert width > 500
    browser.screenshot(tmp_path / "viz.png")
    assert (tmp_path / "viz.png").stat().st_size > 30_000


def test_the_address_that_make_viz_names_shows_the_boxes_alone(site: Site, browser: Browser) -> None:
    browser.open(f"{site.address}{BOXES_ALONE}", 1600, 1000)
    drawn = wait_for(browser, "[...document.querySelectorAll('.pipeline-node__text')].map(one => one.textContent)")
    assert set(drawn) == BOXES
    assert BOXES_ALONE in (PROJECT / "Makefile").read_text("utf-8")
