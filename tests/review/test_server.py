"""The server of the review page: what it tells, what it stores, and what it refuses."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.review.answer_table import Answered, standing_answers
from mining_the_mines.review.server import LARGEST_BODY, TOKEN_HEADER, open_socket
from support.reviews import SECRET, Served, full_disk, sample_of, served


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("review"), sample_of(110)) as page:
        yield page


@pytest.fixture
def page(running: Served) -> Iterator[Served]:
    """The server with no answers."""
    running.log.path.unlink(missing_ok=True)
    yield running
    running.log.path.unlink(missing_ok=True)


def test_one_place_after_the_other(page: Served) -> None:
    first = page.work()
    assert (first["done"], first["total"], first["last"]) == (0, 110, None)
    assert first["place"]["place_id"] == "north_2021_0"
    assert [view["name"] for view in first["place"]["views"]] == ["now", "infrared", "plants", "before", "after"]
    assert [view["period"] for view in first["place"]["views"]][-2:] == ["2020", "2022"]
    status, work = page.submit(0, answer="no_mine", look_alike="river", comment="sand")
    assert (status, work["done"], work["place"]["place_id"]) == (200, 1, "north_2021_1")
    assert work["last"] == {"place_id": "north_2021_0", "number": 1, "answer": "no_mine", "look_alike": "river"}
    assert page.work("Ben")["place"]["place_id"] == "north_2021_0"


def test_an_answer_tells_who_when_and_on_which_images(page: Served) -> None:
    page.submit(0)
    (answer,) = page.log.entries()
    assert isinstance(answer, Answered)
    assert (answer.reviewer, answer.seconds, answer.blind, answer.origin) == ("Ana", 1.5, True, "page")
    assert answer.images == "north/2021@202100000000 north/2020@202000000000 north/2022@202200000000"
    assert answer.longitude == pytest.approx(sample_of()["longitude"][0])


def test_pictures(page: Served) -> None:
    for view in page.work()["place"]["views"]:
        status, body, headers = page.ask("GET", view["url"])
        assert (status, headers["content-type"], body[8:12]) == (200, "image/webp", b"WEBP")
    for path in ("/picture/0/none.webp", "/picture/110/now.webp", "/picture/-1/now.webp"):
        assert page.ask("GET", path)[0] == 404


def test_the_maps_answer_is_hidden_until_the_reviewer_has_answered(page: Served) -> None:
    addresses = [
        "/",
        "/review.js",
        "/review.css",
        "/work?reviewer=Ana",
        *(v["url"] for v in page.work()["place"]["views"]),
    ]
    told = [page.ask("GET", address)[1] for address in addresses]
    told.append(page.ask("POST", "/show", {"reviewer": "Ana", "place_id": "north_2021_0"})[1])
    told.append(json.dumps(page.submit(1)[1]).encode())
    told.append(page.ask("POST", "/undo", {"reviewer": "Ana"})[1])
    assert not [part for part in told if SECRET.encode() in part or b"8765" in part or b"87.7" in part]
    assert b"answer first" in told[-3]


def test_the_maps_answer_is_shown_on_demand_and_later_answers_are_not_blind(page: Served) -> None:
    page.submit(0)
    asked = {"reviewer": "Ana", "place_id": "north_2021_0"}
    told = json.loads(page.ask("POST", "/show", asked)[1])
    assert told == {"The map says": SECRET, "Probability of mine": "88%"}
    assert page.ask("POST", "/show", asked | {"reviewer": "Ben"})[0] == 400
    page.ask("POST", "/undo", {"reviewer": "Ana"})
    page.submit(0, answer_id="second", answer="cannot_tell")
    page.submit(0, answer_id="third", reviewer="Ben")
    blind = {answer.answer_id: answer.blind for answer in standing_answers(page.log.entries())}
    assert blind == {"second": False, "third": True}


def test_undo_goes_back_answer_by_answer(page: Served) -> None:
    page.submit(0)
    page.submit(1)
    page.submit(0, answer_id="bens", reviewer="Ben")
    for expected in ("north_2021_1", "north_2021_0", "north_2021_0"):
        work = json.loads(page.ask("POST", "/undo", {"reviewer": "Ana"})[1])
        assert work["place"]["place_id"] == expected
    assert [answer.answer_id for answer in standing_answers(page.log.entries())] == ["bens"]


def test_the_same_answer_sent_twice_is_stored_once(page: Served) -> None:
    assert page.submit(0)[0] == page.submit(0)[0] == 200
    assert len(page.log.entries()) == 1


def test_a_hundred_requests_at_once(page: Served) -> None:
    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda number: page.submit(number, reviewer=f"R{number % 7}")[0], range(100)))
    assert statuses == [200] * 100
    assert {entry.place_id for entry in page.log.entries()} == {f"north_2021_{number}" for number in range(100)}


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd", "/..%2f..%2f..%2fetc%2fpasswd", "/picture/../../etc/passwd", "//etc/passwd",
        "/review.js/../server.py", "/page/review.js", "/picture/0/..%2f..%2fanswers.jsonl",
        "/picture/0/..%2f..%2f..%2fanswers.jsonl%00.webp", "/picture/0/now%00.webp", "/picture/0/.webp",
        "/picture/%2e%2e/now.webp", "/answers.jsonl", "/pictures/", "/picture/99999999999999999999999/now.webp",
    ],
)  # fmt: skip
def test_no_path_leads_outside_the_pictures(page: Served, path: str) -> None:
    page.submit(0, comment="not to be read")
    status, body, _ = page.ask("GET", path)
    assert status == 404
    assert b"not to be read" not in body
    assert b"root:" not in body


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80", "Origin": "http://evil.example:80"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {TOKEN_HEADER: ""},
        {TOKEN_HEADER: "guessed"},
        {TOKEN_HEADER: "\u00e9"},
    ],
)
@pytest.mark.parametrize("path", ["/answer", "/undo", "/show"])
def test_other_sites_can_not_write(page: Served, path: str, headers: dict[str, str]) -> None:
    body = {"answer_id": "x", "reviewer": "Ana", "place_id": "north_2021_0", "answer": "mine", "seconds": 1}
    assert page.ask("POST", path, body, headers)[0] == 403
    assert page.log.entries() == []


def test_a_name_that_points_at_this_machine_reads_nothing(page: Served) -> None:
    for path in ("/", "/work?reviewer=Ana", "/picture/0/now.webp"):
        status, body, _ = page.ask("GET", path, headers={"Host": "rebound.example"})
        assert status == 403
        assert page.token.encode() not in body


def test_other_sites_can_not_show_pictures_or_the_page(page: Served) -> None:
    assert page.ask("GET", "/picture/0/now.webp", headers={"Sec-Fetch-Site": "cross-site"})[0] == 403
    for path in ("/", "/work?reviewer=Ana", "/picture/0/now.webp", "/nothing"):
        headers = page.ask("GET", path)[2]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "'unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])
def test_forms_are_refused(page: Served, kind: str) -> None:
    assert page.ask("POST", "/undo", b'{"reviewer": "Ana"}', {"Content-Type": kind})[0] == 415


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 60_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"reviewer": "Ana"}', 422),
        (b'{"reviewer": {"$ne": ""}}', 422),
        (b" " * (LARGEST_BODY + 1), 413),
    ],
)
def test_malformed_and_oversized_bodies(page: Served, body: bytes, status: int) -> None:
    found, told, _ = page.ask("POST", "/answer", body)
    assert found == status
    assert set(json.loads(told)) == {"error"}
    assert page.log.entries() == []


def test_a_body_without_a_length_is_cut_off(page: Served) -> None:
    chunk = b"%x\r\n" % 40_000 + b" " * 40_000 + b"\r\n"
    headers = {"Transfer-Encoding": "chunked"}
    request = {"Content-Type": "application/json", TOKEN_HEADER: page.token, "Host": page.host, **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.items())
    address, port = page.host.split(":")
    with socket.create_connection((address, int(port)), timeout=30) as connection:
        connection.sendall(f"POST /answer HTTP/1.1\r\n{lines}\r\n".encode() + 2 * chunk)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("values", "status", "fault"),
    [
        ({"place_id": "south_2021_0"}, 404, "not in the sample"),
        ({"answer": "perhaps"}, 422, "answer: Input should be"),
        ({"answer": "no_mine", "look_alike": "volcano"}, 422, "there is no look-alike"),
        ({"comment": "x" * 2001}, 422, "comment: "),
        ({"reviewer": "x" * 61}, 422, "reviewer: "),
        ({"reviewer": ""}, 422, "reviewer: "),
        ({"seconds": -1}, 422, "seconds: "),
        ({"seconds": 1e12}, 422, "seconds: "),
        ({"answer_id": "../x"}, 422, "answer_id: "),
        ({"blind": True}, 422, "blind: "),
        ({"outline": "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"}, 422, "must not cross itself"),
        ({"outline": "x" * 40_000}, 422, "outline: "),
    ],
)
def test_answers_that_can_not_be_stored(page: Served, values: dict[str, object], status: int, fault: str) -> None:
    found, told = page.submit(0, **values)
    assert found == status
    assert fault in told["error"]
    assert page.log.entries() == []


def test_what_people_type_is_data(page: Served) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    assert page.submit(0, reviewer=evil, comment=evil)[0] == 200
    assert evil.encode() not in page.ask("GET", "/")[1]
    assert page.ask("GET", "/work?reviewer=%3C/script%3E")[2]["content-type"] == "application/json"


def test_a_full_disk_is_told(page: Served) -> None:
    page.submit(0)
    with full_disk(page.log.path):
        status, told = page.submit(1)
    assert status == 507
    assert "was not stored" in told["error"]
    assert page.submit(1)[0] == 200


def test_a_port_that_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    with open_socket(0) as first:
        port = first.getsockname()[1]
        with open_socket(port) as second:
            assert second.getsockname()[0] == "127.0.0.1"
            assert second.getsockname()[1] > port
            assert f"Port {port} is taken" in caplog.text


def test_no_port_is_left() -> None:
    with open_socket(65_535), pytest.raises(BadInputError, match="name another one with --port"):
        open_socket(65_535)


def test_goes_on_where_it_was_left(tmp_path: Path) -> None:
    with served(tmp_path) as page:
        page.submit(0)
    with served(tmp_path) as again:
        assert again.work()["place"]["place_id"] == "north_2021_1"
        assert again.token != page.token
