"""A small review: places on small composites of three periods, and its server."""

import http.client
import json
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.review.answer_log import AnswerLog
from mining_the_mines.review.answer_table import Answered
from mining_the_mines.review.images import ReviewImage, image_of_composite
from mining_the_mines.review.pictures import PictureCache
from mining_the_mines.review.places import places_of_sample
from mining_the_mines.review.server import ADDRESS, TOKEN_HEADER, make_server, open_socket
from mining_the_mines.review.session import ReviewSession
from support.chip_polygons import LEFT, TOP, UTM, utm_grid
from support.composites import composite_at

BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
PERIODS = ("2020", "2021", "2022")
#: Words that only the map's answer holds.
SECRET = "hidden-map-class"  # noqa: S105 - no password


def sample_of(count: int = 3, region: str = "north", period: str = "2021") -> gpd.GeoDataFrame:
    """A sample of pixels of 10 m in rows of 20, from west to east."""
    corners = [(LEFT + 200 + 20 * (number % 20), TOP - 400 - 20 * (number // 20)) for number in range(count)]
    pixels = [shapely.box(left, top - 10, left + 10, top) for left, top in corners]
    shapes = shapely.transform(np.array(pixels), transformation(UTM.to_wkt(), LON_LAT))
    centres = shapely.centroid(shapes)
    return gpd.GeoDataFrame(
        {
            "place_id": [f"{region}_{period}_{number}" for number in range(count)],
            "region": region,
            "period": period,
            "longitude": shapely.get_x(centres),
            "latitude": shapely.get_y(centres),
            "map_class": SECRET,
            "stratum": SECRET,
            "probability": 0.87654,
        },
        geometry=shapes,
        crs=LON_LAT,
    )


def images_in(folder: Path, periods: tuple[str, ...] = PERIODS) -> list[ReviewImage]:
    """An image of the region north for each period."""
    made = []
    for period in periods:
        composite = composite_at(folder / period, grid=utm_grid(80, 80), bands=BANDS)
        image = image_of_composite(replace(composite, content_hash=f"{period}{'0' * 60}"))
        made.append(replace(image, period=period, first_date=f"{period}-06-01", last_date=f"{period}-09-30"))
    return made


def session_in(folder: Path, sample: pd.DataFrame | None = None) -> ReviewSession:
    """A review of a small sample."""
    places = places_of_sample(sample_of() if sample is None else sample)
    log, pictures = AnswerLog(folder / "answers.jsonl"), PictureCache(folder / "pictures")
    return ReviewSession(places, images_in(folder / "images"), log, pictures)


def answer_of(answer_id: str = "a1", **values: Any) -> Answered:
    """An answer to a place."""
    usual = {
        "reviewer": "Ana", "place_id": "north_2021_0", "answered_at": "2026-11-30T12:00:00+00:00", "region": "north",
        "period": "2021", "longitude": -57.0, "latitude": -5.4, "answer": "mine", "blind": True, "origin": "page",
    }  # fmt: skip
    return Answered.model_validate({"answer_id": answer_id} | usual | values)


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """No file can grow beyond a few bytes more than this one has."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@dataclass(frozen=True)
class Served:
    """A review that is served.

    Attributes:
        host: Address and port.
        token: The token in its page.
        log: File of answers.
    """

    host: str
    token: str
    log: AnswerLog

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send a request as a page of this server does; status, body and headers of the answer.

        A header ``None`` is left out. A body that is no bytes is sent as JSON.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        usual = {"Host": self.host, "Origin": f"http://{self.host}", TOKEN_HEADER: self.token}
        given = usual | ({"Content-Type": "application/json"} if data is not None else {}) | (headers or {})
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in ({"Content-Length": str(len(data or b""))} | given).items():
                connection.putheader(name, value)
            connection.endheaders(data)
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def submit(self, place: int = 0, **values: Any) -> tuple[int, dict[str, Any]]:
        """Send an answer."""
        usual = {
            "answer_id": f"id{place}", "reviewer": "Ana", "place_id": f"north_2021_{place}", "answer": "mine",
            "seconds": 1.5,
        }  # fmt: skip
        status, body, _ = self.ask("POST", "/answer", usual | values)
        return status, json.loads(body)

    def work(self, reviewer: str = "Ana") -> dict[str, Any]:
        """The next place of a reviewer."""
        told: dict[str, Any] = json.loads(self.ask("GET", f"/work?reviewer={reviewer}")[1])
        return told


@contextmanager
def served(folder: Path, sample: pd.DataFrame | None = None) -> Iterator[Served]:
    """Serve a small review."""
    with serving(session_in(folder, sample), AnswerLog(folder / "answers.jsonl")) as page:
        yield page


@contextmanager
def serving(session: ReviewSession, log: AnswerLog) -> Iterator[Served]:
    """Serve a review whose answers go to this file."""
    listening = open_socket(0)
    server = make_server(session, listening)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    host = f"{ADDRESS}:{listening.getsockname()[1]}"
    try:
        page = Served(host, "", log)
        found = re.search(rb'"token": "([^"]+)"', page.ask("GET", "/")[1])
        assert found is not None
        yield replace(page, token=found[1].decode())
    finally:
        server.should_exit = True
        thread.join()
