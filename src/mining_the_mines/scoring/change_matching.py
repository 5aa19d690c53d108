"""Claims of new mines beside the mines that truly opened, and mapped growth beside true growth.

A mine is *due* in the first period in which it is open on most dates, since only then does a median of the dates show
it. It may be claimed earlier, once it is open, and is found in time if it is claimed until then. Ground by
which a mine has grown is no new mine; a claim of it is set aside, neither right nor wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from mining_the_mines.geo.grid import HECTARE
from mining_the_mines.geo.mine_polygons import LON_LAT

#: Sides of a comparison: a mine that truly opened, a claim of a new one, and a mapped change of a site's area.
MINE: Final = "mine"
CLAIM: Final = "claim"
GROWTH: Final = "growth"
#: Columns of a table of objects and their types, before the geometry. A row is a mine, a claim or a change of area of
#: one method. ``object`` names the mine or site, ``partner`` the mine that a claim is of; ``period`` is that in which a
#: mine was due, or which a claim or change is of. ``counted``: scored. ``right``: a mine was found in time, a claim is
#: of a new mine. ``ever``: a mine was found, sooner or later. ``confirmed``: the claim, or the mine's, was confirmed.
#: ``days``, ``confirmed_days``: from the opening to the end of the images that showed it and that confirmed it.
#: ``onset_held``: whether the interval of the onset holds the true opening, 1 or 0. ``error``: mapped minus true change
#: in hectares. ``place`` is the same for all objects that are linked by common ground, whatever their method.
CHANGE_COLUMNS: Final = {
    "method": "str", "region": "str", "period": "str", "side": "str", "object": "str", "partner": "str",
    "hectares": "float64", "counted": "bool", "right": "bool", "ever": "bool", "confirmed": "bool", "days": "float64",
    "confirmed_days": "float64", "onset_held": "float64", "error": "float64", "place": "str",
}  # fmt: skip


class ChangeMatchSettings(BaseModel):
    """How claims of new mines are compared with mines that opened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iou: float = Field(
        0.2,
        gt=0,
        le=1,
        description="Overlap (intersection over union) from which a claim is of a mine. Lower than for maps, since a "
        "mine grows while a period lasts.",
    )
    covered_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A claim that is of one new mine also finds others of which it covers so much.",
    )
    seen_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of a mine's ground that must be seen before it opened and after; other mines are not due.",
    )
    growth_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A claim of which so much is ground by which known mines have grown is set aside.",
    )


@dataclass(frozen=True)
class Look:
    """One look at a region: the images of a period.

    Attributes:
        region: Name of the region.
        period: Name of the period.
        dates: Days of the images, in order.
        seen: Ground with data, in ``crs``.
        crs: A projection in metres, the same for all looks at a region.
    """

    region: str
    period: str
    dates: tuple[date, ...]
    seen: shapely.Geometry
    crs: str

    @property
    def middle(self) -> pd.Timestamp:
        """Day whose ground a median of the images shows: what is there by then shows on most dates."""
        return pd.Timestamp(self.dates[(len(self.dates) - 1) // 2])

    @property
    def last(self) -> pd.Timestamp:
        """Day of the last image."""
        return pd.Timestamp(self.dates[-1])


@dataclass(frozen=True, eq=False)
class ChangeComparison:
    """Claims beside the truth.

    Attributes:
        methods: Methods that were compared; the first one is scored against the others.
        objects: Rows of :data:`CHANGE_COLUMNS`, geometry in degrees of WGS 84.
        exposure: Square kilometres seen by region and period, for periods in which a mine could be new.
    """

    methods: tuple[str, ...]
    objects: gpd.GeoDataFrame
    exposure: Mapping[tuple[str, str], float]


def compare_changes(
    truth: gpd.GeoDataFrame,
    looks: Sequence[Look],
    claims: Mapping[str, gpd.GeoDataFrame],
    sites: gpd.GeoDataFrame,
    settings: ChangeMatchSettings,
) -> ChangeComparison:
    """Compare claims of new mines with mines that opened.

    Args:
        truth: Outlines of mines by date in any CRS: ``name``, ``opened``, ``valid_from``, ``valid_to`` (missing while
            it holds); see :func:`mining_the_mines.geo.dated_mines.read_dated_mines`.
        looks: Looks at the regions, in order of time. A region without any known mine is left out: nobody has looked.
        claims: Claims of each method, polygons in any CRS: ``region``, ``period``, ``object``, and where the method
            says so ``confirmed_on`` (last day of the images that confirmed it; missing if nothing did),
            ``onset_after`` and ``onset_by``.
        sites: Hectares of mapped sites by period: ``region``, ``period``, ``object``, ``hectares`` (missing where it
            was not seen) and polygons in any CRS.
        settings: How to compare.

    Returns:
        Mines, claims and changes of area.
    """
    regions = dict.fromkeys(look.region for look in looks)
    parts: list[gpd.GeoDataFrame] = []
    exposure: dict[tuple[str, str], float] = {}
    for region in regions:
        own = [look for look in looks if look.region == region]
        known = _inside(truth, own[0])
        if known.empty:
            continue
        exposure |= {(region, look.period): float(shapely.area(look.seen)) / 1e6 for look in own[1:]}
        crs = own[0].crs
        mines = _Mines(known, own, settings)
        rows = []
        for method, claimed in claims.items():
            rows += _match(method, claimed[claimed["region"] == region].to_crs(crs), mines, settings)
        rows += _growth(sites[sites["region"] == region].to_crs(crs), mines)
        if rows:
            parts.append(_with_places(rows, region, crs))
    if not parts:
        return without_truth(tuple(claims), exposure)
    table = pd.concat(parts, ignore_index=True)
    objects = table[list(CHANGE_COLUMNS)].astype(CHANGE_COLUMNS)
    return ChangeComparison(tuple(claims), gpd.GeoDataFrame(objects, geometry=table.geometry, crs=LON_LAT), exposure)


def without_truth(
    methods: tuple[str, ...], exposure: Mapping[tuple[str, str], float] = MappingProxyType({})
) -> ChangeComparison:
    """Make a comparison with nothing.

    Args:
        methods: Methods that would have been compared.
        exposure: Square kilometres seen by region and period.

    Returns:
        A comparison without objects.
    """
    empty = pd.DataFrame(columns=list(CHANGE_COLUMNS)).astype(CHANGE_COLUMNS)
    return ChangeComparison(methods, gpd.GeoDataFrame(empty, geometry=[], crs=LON_LAT), exposure)


def _inside(truth: gpd.GeoDataFrame, look: Look) -> gpd.GeoDataFrame:
    """Mines that touch the box of a region; those far away can't be transformed to its projection."""
    box = gpd.GeoSeries([shapely.box(*shapely.bounds(look.seen))], crs=look.crs).to_crs(truth.crs)
    near = truth[truth.geometry.intersects(box.iloc[0])]
    return truth[truth["name"].isin(near["name"])].to_crs(look.crs)


class _Mines:
    """True mines of a region through time."""

    def __init__(self, states: gpd.GeoDataFrame, looks: Sequence[Look], settings: ChangeMatchSettings) -> None:
        self.states = states
        self.looks = {look.period: look for look in looks}
        self.order = {look.period: number for number, look in enumerate(looks)}
        self.opened: dict[str, pd.Timestamp] = states.groupby("name")["opened"].first().to_dict()
        self.due = {name: period for name in self.opened if (period := self._due(name, looks, settings))}

    def _due(self, name: str, looks: Sequence[Look], settings: ChangeMatchSettings) -> str | None:
        """Period in which a mine ought to be found; ``None`` if nobody could tell that it is new."""
        before = False
        for look in looks:
            if self.opened[name] > look.middle:
                before |= self._seen(self.ever(name), look) >= settings.seen_share
            else:
                outline = self.at(look.middle).get(name)
                if outline is not None and self._seen(outline, look) >= settings.seen_share:
                    return look.period if before else None
        return None

    @staticmethod
    def _seen(outline: BaseGeometry, look: Look) -> float:
        return float(shapely.area(shapely.intersection(outline, look.seen)) / outline.area)

    def at(self, day: pd.Timestamp) -> dict[str, BaseGeometry]:
        """Outlines of a day by the mine's name."""
        states = self.states
        valid = (states["valid_from"] <= day) & ~(states["valid_to"] < day)
        return dict(zip(states["name"][valid], states.geometry[valid], strict=True))

    def ever(self, name: str) -> BaseGeometry:
        """All ground that a mine ever takes."""
        return shapely.union_all(self.states.geometry[self.states["name"] == name].to_numpy())

    def grown(self, period: str) -> BaseGeometry:
        """Ground that became a mine since the middle of the period before."""
        looks = list(self.looks.values())
        last = self.looks[period].last
        before = looks[max(self.order[period] - 1, 0)].middle
        now = shapely.union_all(list(self.at(last).values()))
        return now.difference(shapely.union_all(list(self.at(before).values())))


def _match(method: str, claims: gpd.GeoDataFrame, mines: _Mines, settings: ChangeMatchSettings) -> list[dict[str, Any]]:
    """Rows of the mines and claims of a method."""
    found: dict[str, Any] = {}
    rows = []
    for period, look in mines.looks.items():
        last = look.last
        open_now = {name: outline for name, outline in mines.at(last).items() if name in mines.due}
        own = claims[claims["period"] == period]
        pairs = _pairs(own, open_now)
        known = set(found)
        fits = pairs[(pairs["iou"] >= settings.iou) & ~pairs["mine"].isin(known)]
        new = dict(zip(fits["claim"][::-1], fits["mine"][::-1], strict=True))
        # A claim of a new mine may cover its neighbour as well.
        beside = pairs[pairs["claim"].isin(list(new)) & (pairs["covered"] >= settings.covered_share)]
        ordered = pd.concat([fits, beside])
        for name, index in zip(ordered["mine"], ordered["claim"], strict=True):
            found.setdefault(name, own.loc[index])
        grown = mines.grown(period)
        for index, claim in own.iterrows():
            share = claim.geometry.intersection(grown).area / claim.geometry.area
            rows.append(
                {
                    "method": method, "side": CLAIM, "period": period, "object": claim["object"],
                    "partner": new.get(index, ""), "hectares": claim.geometry.area / HECTARE, "right": index in new,
                    "counted": index in new or share < settings.growth_share,
                    "confirmed": pd.notna(claim.get("confirmed_on")), "geometry": claim.geometry,
                }
            )  # fmt: skip
    return rows + [_mine_row(method, name, found.get(name), mines) for name in mines.due]


def _pairs(claims: gpd.GeoDataFrame, mines: Mapping[str, BaseGeometry]) -> pd.DataFrame:
    """Pairs that share ground, those of the greatest ``iou`` first; ``covered`` is the share of the mine."""
    names, outlines = np.array(list(mines), dtype=object), np.array(list(mines.values()), dtype=object)
    shapes = claims.geometry.to_numpy()
    mine, claim = shapely.STRtree(shapes).query(outlines, predicate="intersects")
    common = shapely.area(shapely.intersection(shapes[claim], outlines[mine]))
    areas = shapely.area(outlines[mine])
    pairs = pd.DataFrame(
        {
            "claim": claims.index.to_numpy()[claim],
            "mine": names[mine],
            "iou": common / (shapely.area(shapes[claim]) + areas - common),
            "covered": common / areas,
        }
    )
    return pairs.sort_values(["iou", "mine"], ascending=False, ignore_index=True)


def _mine_row(method: str, name: str, claim: Any, mines: _Mines) -> dict[str, Any]:  # noqa: ANN401 - a row, or None
    due, opened = mines.due[name], mines.opened[name]
    outline = mines.at(mines.looks[due].middle)[name]
    row = {
        "method": method, "side": MINE, "period": due, "object": name, "hectares": outline.area / HECTARE,
        "counted": True, "geometry": outline,
    }  # fmt: skip
    if claim is None:
        return row
    confirmed_on, onset_by = claim.get("confirmed_on"), claim.get("onset_by")
    shown = mines.looks[claim["period"]].last
    held = bool(claim["onset_after"] < opened <= onset_by) if pd.notna(onset_by) else np.nan
    return row | {
        "partner": claim["object"],
        "right": mines.order[claim["period"]] <= mines.order[due],
        "ever": True,
        "confirmed": pd.notna(confirmed_on),
        "days": (shown - opened).days,
        "confirmed_days": (confirmed_on - opened).days if pd.notna(confirmed_on) else np.nan,
        "onset_held": float(held),
    }


def _growth(sites: gpd.GeoDataFrame, mines: _Mines) -> list[dict[str, Any]]:
    """Rows of the changes of area of sites that lie on mines, each against the last period in which it was seen."""
    if sites.empty:
        return []
    ground = sites.dissolve("object").geometry
    home = {}
    for name in mines.opened:
        common = ground.intersection(mines.ever(name)).area
        if common.max() > 0:
            home[name] = common.idxmax()
    rows = []
    for site in sorted(set(home.values())):
        own = sites[(sites["object"] == site) & sites["hectares"].notna()]
        ordered = own.iloc[np.argsort([mines.order[period] for period in own["period"]])]
        members = [name for name, place in home.items() if place == site]
        for (_, before), (_, after) in zip(ordered.iloc[:-1].iterrows(), ordered.iloc[1:].iterrows(), strict=True):
            true = [_true_hectares(members, mines, row["period"]) for row in (before, after)]
            rows.append(
                {
                    "method": "sites", "side": GROWTH, "period": after["period"], "object": site,
                    "partner": " ".join(members), "hectares": true[1] - true[0], "counted": True,
                    "error": after["hectares"] - before["hectares"] - (true[1] - true[0]), "geometry": after.geometry,
                }
            )  # fmt: skip
    return rows


def _true_hectares(names: Sequence[str], mines: _Mines, period: str) -> float:
    outlines = mines.at(mines.looks[period].middle)
    return float(shapely.union_all([outlines[name] for name in names if name in outlines]).area) / HECTARE


def _with_places(rows: list[dict[str, Any]], region: str, crs: str) -> gpd.GeoDataFrame:
    """Number objects that are linked by common ground, and turn to degrees."""
    usual = {"region": region, "partner": "", "right": False, "ever": False, "confirmed": False}
    table = pd.DataFrame([usual | row for row in rows], columns=[*CHANGE_COLUMNS, "geometry"])
    shapes = table["geometry"].to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(len(shapes), len(shapes)))
    _, place = connected_components(links, directed=False)
    named = table.assign(place=[f"{region}-{number}" for number in place])
    return gpd.GeoDataFrame(named, geometry="geometry", crs=crs).to_crs(LON_LAT)
