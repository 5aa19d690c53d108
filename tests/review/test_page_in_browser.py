"""The review page in a real browser, as a person uses it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mining_the_mines.review.answer_table import Answered, standing_answers
from mining_the_mines.review.imports import read_answers
from mining_the_mines.review.places import places_of_sample
from mining_the_mines.review.static_page import write_static_page
from support.browser import Browser
from support.reviews import SECRET, Served, sample_of, served, session_in

EVIL = "</script><img src=x onerror=window.hit=1>"
READY = """(async () => {
  for (let turn = 0; turn < 2000; turn++) {
    const images = [...document.querySelectorAll("main img")];
    if (%s && images.every(image => image.complete)) return true;
    await new Promise(done => setTimeout(done, 5));
  }
  return false;
})()"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("review"), sample_of(60)) as page:
        yield page


@pytest.fixture
def page(running: Served) -> Iterator[Served]:
    running.log.path.unlink(missing_ok=True)
    yield running
    running.log.path.unlink(missing_ok=True)


def begin(browser: Browser, address: str, name: str = "Ana", width: int = 1366, height: int = 768) -> None:
    """Open the page and type a name."""
    browser.open(address, width, height)
    browser.run("document.querySelector('#name').value = ''")
    browser.type(name)
    browser.press("Enter")
    wait(browser, "document.querySelector('#progress').textContent")


def wait(browser: Browser, condition: str) -> None:
    assert browser.run(READY % condition), condition


def judge(browser: Browser, key: str, done: int) -> None:
    """Press a key, and wait for the next place with its pictures."""
    browser.type(key)
    wait(browser, f"document.querySelector('#progress').textContent.includes('· {done} of')")


def test_fifty_places_by_key_and_each_within_a_third_of_a_second(browser: Browser, page: Served) -> None:
    begin(browser, f"http://{page.host}/")
    seconds = []
    for done in range(1, 51):
        start = time.monotonic()
        judge(browser, "mc12345678"[done % 10], done)
        seconds.append(time.monotonic() - start)
    assert sorted(seconds)[25] < 0.3
    answers = standing_answers(page.log.entries())
    assert len({answer.place_id for answer in answers}) == 50
    assert {answer.answer.value for answer in answers} == {"mine", "no_mine", "cannot_tell"}
    assert {answer.look_alike for answer in answers} >= {"river", "farmland", "ponds", "other", ""}
    assert all(answer.blind and answer.images for answer in answers)
    assert browser.complaints() == []


def test_undo_comment_and_the_maps_answer(browser: Browser, page: Served) -> None:
    begin(browser, f"http://{page.host}/")
    browser.type("t")
    browser.type("c7m")  # no key of an answer while one types
    browser.press("Enter")
    judge(browser, "m", 1)
    assert not browser.run(f"document.body.textContent.includes('{SECRET}')")
    browser.type("s")
    wait(browser, f"document.querySelector('#said').textContent.includes('{SECRET}')")
    judge(browser, "u", 0)
    judge(browser, "c", 1)
    (answer,) = standing_answers(page.log.entries())
    first = page.log.entries()[0]
    assert isinstance(first, Answered)
    assert (first.comment, first.blind, answer.answer.value, answer.blind) == ("c7m", True, "cannot_tell", False)


def test_an_outline_by_key_and_by_click(browser: Browser, page: Served) -> None:
    begin(browser, f"http://{page.host}/")
    browser.type("o")
    browser.type(" ")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", " ", "ArrowDown", "ArrowDown", "ArrowDown", " "):
        browser.press(key)
    browser.press("Enter")
    judge(browser, "m", 1)
    browser.type("o")
    for x, y in ((200, 200), (300, 200), (300, 300), (200, 300)):
        browser.click(x, y)
    browser.press("Enter")
    judge(browser, "m", 2)
    outlines = [answer.outline for answer in standing_answers(page.log.entries())]
    assert [outline.count(",") for outline in outlines] == [3, 4]
    west = float(outlines[0].removeprefix("POLYGON ((").split()[0])
    assert west == pytest.approx(sample_of()["longitude"][0], abs=2e-6)


def test_goes_on_where_it_was_left_and_several_reviewers(browser: Browser, page: Served) -> None:
    begin(browser, f"http://{page.host}/")
    judge(browser, "m", 1)
    begin(browser, f"http://{page.host}/")
    assert "1 of 60" in browser.text("#progress")
    assert "go on with place 2" in browser.text("#said")
    begin(browser, f"http://{page.host}/", "Ben")
    assert "0 of 60" in browser.text("#progress")


def test_scripts_in_names_and_comments_stay_text(browser: Browser, page: Served) -> None:
    begin(browser, f"http://{page.host}/", EVIL)
    assert browser.text("#progress").startswith(EVIL)
    browser.type("t")
    browser.type(EVIL)
    browser.press("Enter")
    judge(browser, "m", 1)
    assert browser.run("window.hit") is None
    assert browser.complaints() == []


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1024, 768), (768, 1024)])
def test_all_is_on_the_screen(browser: Browser, page: Served, width: int, height: int) -> None:
    begin(browser, f"http://{page.host}/", width=width, height=height)
    outside = browser.run("""
      [...document.querySelectorAll("main figure, footer button:not([hidden])")]
        .map(part => [part.id || part.textContent, part.getBoundingClientRect()])
        .filter(([, box]) => box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight)
        .map(([name]) => name)""")
    assert outside == []


def test_a_server_that_was_stopped_is_told(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as page:
        begin(browser, f"http://{page.host}/")
    browser.type("m")
    wait(browser, "document.querySelector('#said').textContent.includes('does not answer')")


def test_static_page(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "review.html"
    write_static_page(session_in(tmp_path), path)
    assert SECRET not in path.read_text("utf-8")
    begin(browser, path.as_uri())
    judge(browser, "m", 1)
    judge(browser, "1", 2)
    judge(browser, "u", 1)
    judge(browser, "c", 2)
    begin(browser, path.as_uri())
    assert "2 of 3" in browser.text("#progress"), "it goes on where it was left"
    judge(browser, "2", 3)
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.type("e")
    saved = tmp_path / "answers Ana.json"
    deadline = time.monotonic() + 10
    while not saved.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(json.loads(saved.read_text("utf-8"))["answers"]) == 3
    read = read_answers(saved, places_of_sample(sample_of()), None)
    assert [answer.answer.value for answer in read.answers] == ["mine", "cannot_tell", "no_mine"]
    assert read.strangers == ()
    assert browser.complaints() == []
    assert [address for address in browser.requests() if not address.startswith(("file:", "blob:"))] == []
