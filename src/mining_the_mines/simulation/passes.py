"""Dates on which satellites pass over a region, and the weather: the season of one place."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np

from mining_the_mines.simulation.clouds import CloudKind, Weather
from mining_the_mines.simulation.places import Place
from mining_the_mines.simulation.relief import Sun
from mining_the_mines.simulation.sensor import Sky
from mining_the_mines.simulation.settings import REVISIT_DAYS, SeriesSettings

#: Local solar time of the pass, in hours: Sentinel-2 crosses the equator at 10:30.
PASS_HOUR: Final = 10.5
#: From this day on, ESA's products have the offset of baseline 04.00.
OFFSET_DAY: Final = date(2022, 1, 25)
#: Processing baselines of products made at once, before and since, and of those that were processed again for
#: Collection 1.
BASELINE_BEFORE, BASELINE_SINCE, BASELINE_AGAIN = "03.01", "04.00", "05.00"
#: The cloudiest date of a series is about this cloudy.
_MOST_CLOUDS: Final = 0.9
#: Share of the dates on which the edge of the swath crosses the region.
_EDGE_SHARE: Final = 0.25
#: Days after the solstice of its hemisphere's summer when a tropical region is wettest.
_RAINS_DELAY: Final = 30


@dataclass(frozen=True)
class SwathEdge:
    """The edge of the satellite's swath: a line across the region, beyond which nothing is seen.

    Attributes:
        azimuth: Direction in which the data end, in degrees from north, clockwise.
        distance: Distance of the line from the region's centre in that direction, as a share of the region's edge.
    """

    azimuth: float
    distance: float


@dataclass(frozen=True)
class Pass:
    """One pass over a region.

    Attributes:
        moment: Time of the pass, UTC.
        platform: Satellite, such as ``sentinel-2a``.
        sky: Sun, haze and season.
        weather: Clouds.
        edge: Edge of the swath, if it crosses the region.
        baselines: Processing baselines of the products made of it, in the order in which they were made.
        split: Whether the region lies on two granules that overlap.
    """

    moment: datetime
    platform: str
    sky: Sky
    weather: Weather
    edge: SwathEdge | None
    baselines: tuple[str, ...]
    split: bool


def plan_passes(place: Place, settings: SeriesSettings, rng: np.random.Generator) -> tuple[Pass, ...]:
    """Draw the dates of a region's passes, and their weather.

    Dates differ from nearly clear to nearly overcast, whatever their number: their cloudiness is drawn layer by layer.

    Args:
        place: The region.
        settings: Settings of the series.
        rng: Random number generator.

    Returns:
        The passes in order of time. One of them was processed twice, one fell on two granules, if there are enough.
    """
    days = _choose_days(settings, rng)
    covers = _cloud_covers(settings, rng)
    edges = rng.permutation(settings.dates) < round(_EDGE_SHARE * settings.dates)
    early = [number for number, day in enumerate(days) if day < OFFSET_DAY]
    again = int(rng.choice(early)) if len(early) > 1 else None
    split = int(rng.integers(settings.dates)) if settings.dates > 2 else None
    passes = []
    for number, day in enumerate(days):
        moment = _moment(place, day, rng)
        baseline = BASELINE_BEFORE if day < OFFSET_DAY else BASELINE_SINCE
        passes.append(
            Pass(
                moment=moment,
                platform="sentinel-2a" if (day - settings.start).days // REVISIT_DAYS % 2 == 0 else "sentinel-2b",
                sky=_draw_sky(place, day, rng),
                weather=_draw_weather(float(covers[number]), rng),
                edge=_draw_edge(rng) if edges[number] else None,
                baselines=(baseline, BASELINE_AGAIN) if number == again else (baseline,),
                split=number == split,
            )
        )
    return tuple(passes)


def sun_at(place: Place, day: date) -> Sun:
    """Compute the position of the sun when Sentinel-2 passes.

    Declination after Cooper (1969, *Solar Energy* 12, 333), the rest is spherical trigonometry; good to about a degree.

    Args:
        place: Place on the ground.
        day: Date.

    Returns:
        Elevation and azimuth.
    """
    declination = np.radians(23.45 * np.sin(2 * np.pi * (284 + day.timetuple().tm_yday) / 365))
    hour, latitude = np.radians(15 * (PASS_HOUR - 12)), np.radians(place.latitude)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour)
    return Sun(
        elevation=round(float(np.degrees(np.arcsin(up))), 3),
        azimuth=round(float(np.degrees(np.arctan2(east, north)) % 360), 3),
    )


def typical_sky(passes: tuple[Pass, ...]) -> Sky:
    """Compute the mean conditions of a series, under which its composite is compared with the truth.

    Reflectance is linear in dryness, and in how far the sun stands from the zenith in either direction (its tangent):
    so under the mean of both, the ground looks as it does in the mean of all dates.

    Args:
        passes: The series.

    Returns:
        That sun, the dates' mean dryness, no haze, a gain of 1.
    """
    elevation = np.radians([one.sky.sun.elevation for one in passes])
    azimuth = np.radians([one.sky.sun.azimuth for one in passes])
    east, north = (np.sin(azimuth) / np.tan(elevation)).mean(), (np.cos(azimuth) / np.tan(elevation)).mean()
    sun = Sun(
        elevation=float(np.degrees(np.arctan2(1, np.hypot(east, north)))),
        azimuth=float(np.degrees(np.arctan2(east, north)) % 360),
    )
    return Sky(sun=sun, haze=0.0, dryness=float(np.mean([one.sky.dryness for one in passes])), gain=1.0)


def _choose_days(settings: SeriesSettings, rng: np.random.Generator) -> list[date]:
    """Choose days on the satellites' rhythm, spread over the season: one from each of as many equal parts."""
    passes = (settings.end - settings.start).days // REVISIT_DAYS + 1
    bounds = np.linspace(0, passes, settings.dates + 1).astype(int)
    numbers = [int(rng.integers(first, max(last, first + 1))) for first, last in pairwise(bounds)]
    return [settings.start + timedelta(days=REVISIT_DAYS * number) for number in numbers]


def _cloud_covers(settings: SeriesSettings, rng: np.random.Generator) -> np.ndarray:
    """Draw shares of cloud with the mean asked for, from none to nearly all."""
    layers = (rng.permutation(settings.dates) + rng.uniform(0, 1, settings.dates)) / settings.dates
    if settings.cloudiness == 0:
        return np.zeros(settings.dates)
    covers: np.ndarray = _MOST_CLOUDS * layers ** (_MOST_CLOUDS / settings.cloudiness - 1)
    return covers


def _moment(place: Place, day: date, rng: np.random.Generator) -> datetime:
    """Half past ten by the sun, give or take some minutes."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    delay = timedelta(seconds=int(rng.integers(-900, 900)), milliseconds=int(rng.integers(1000)))
    return midnight + timedelta(hours=PASS_HOUR - place.longitude / 15) + delay


def _draw_sky(place: Place, day: date, rng: np.random.Generator) -> Sky:
    solstice = 355 if place.latitude < 0 else 172
    since_rains = (day.timetuple().tm_yday - solstice - _RAINS_DELAY) / 365
    dryness = 0.5 - 0.4 * np.cos(2 * np.pi * since_rains) + rng.normal(0, 0.05)
    return Sky(
        sun=sun_at(place, day),
        haze=float(rng.normal(0.001, 0.003)),
        patchiness=float(rng.uniform(0.003, 0.007)),
        dryness=float(np.clip(dryness, 0, 1)),
        gain=float(np.exp(rng.normal(0, 0.03))),
    )


def _draw_weather(cover: float, rng: np.random.Generator) -> Weather:
    # Heaps rarely fill the sky: the cloudier a date, the likelier a deck.
    kind = CloudKind.DECK if rng.random() < 0.15 + 0.9 * cover else CloudKind.CUMULUS
    cirrus = float(rng.uniform(0.1, 0.7)) if rng.random() < 0.3 and cover > 0 else 0.0
    return Weather(cover, kind, cirrus * cover)


def _draw_edge(rng: np.random.Generator) -> SwathEdge:
    # Sentinel-2 flies towards about 194 degrees on its descending pass, so its swath ends at right angles to that.
    return SwathEdge(azimuth=float(rng.choice([104, 284]) + rng.normal(0, 2)), distance=float(rng.uniform(-0.15, 0.45)))
