"""Sites of a region followed through time, a period after the other.

A track is a site on its way: the mines of a period join the track whose ground they touch, or begin one of their own. A
mine that touches several tracks joins them: the one with the oldest id goes on, and the others end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from mining_the_mines.geo.grid import HECTARE
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.monitoring.confirmation import NOTHING, confirm, must_wait
from mining_the_mines.monitoring.linking import Integers, Positions, connect, unite, unite_pairs
from mining_the_mines.monitoring.onset import NEVER, first_day_with, last_day_without
from mining_the_mines.monitoring.period_map import PeriodMap
from mining_the_mines.monitoring.sampling import sample
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.monitoring.site_attributes import sum_up
from mining_the_mines.monitoring.site_register import claim
from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus

#: Square metres below which two outlines share no ground: coordinates are no more exact than that.
TOUCHING: Final = 1.0
#: Number of a track whose id is not known yet: greater than any other, since an id that is known is older.
PENDING: Final = np.iinfo(np.int64).max
_NOWHERE: Final = shapely.Polygon()


#: Columns of the state of tracks and their types. ``number``: number of the id, or :data:`PENDING`; ``absorbed`` and
#: ``absorbed_numbers``: tracks that it absorbed, and known ids without a track; ``alive``: it goes on; ``first``: its
#: first period; ``founding``, ``ground``, ``last``, ``known``: its first outline, all outlines together, the outline
#: when it was last seen (empty if there was no mine), and the last outline that is not empty; ``compared``: the period
#: when its ground was last seen, or -1; ``looks``, ``periods``: number of periods in which it was mapped, and in which
#: its ground was seen; ``waiting``: it has yet to count as new.
_STATE: Final[dict[str, str]] = {
    "number": "int64", "absorbed_numbers": "object", "absorbed": "object", "alive": "bool", "first": "int64",
    "founding": "object", "ground": "object", "last": "object", "known": "object", "compared": "int64",
    "looks": "int64", "periods": "int64", "waiting": "bool", "confirmed_by": "object", "onset_after": "datetime64[s]",
    "onset_by": "datetime64[s]",
}  # fmt: skip


@dataclass(eq=False)
class Tracks:
    """Sites of a region on their way through its periods.

    Attributes:
        maps: Maps of the region, in order of time.
        anchors: Outlines of known ids in metres of the plane, (ids,).
        numbers: Numbers of these ids, ascending, (ids,).
        settings: Joining and tolerances.
        confirmation: The rule of confirmation.
        state: A row per track that has begun, as :data:`_STATE` describes.
        claimed: Whether each known id is taken, (ids,).
        rows: The tracks' rows of each period that is done.
    """

    maps: Sequence[PeriodMap]
    anchors: Geometries
    numbers: Integers
    settings: SiteSettings
    confirmation: ConfirmationSettings
    state: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_STATE)).astype(_STATE))
    claimed: npt.NDArray[np.bool_] = field(init=False)
    rows: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.claimed = np.zeros(len(self.numbers), dtype=np.bool_)

    def follow(self, period: int) -> None:
        """Take the tracks through a period: link its mines, then judge each track.

        Args:
            period: Number of the period; all before it are done.
        """
        tracks, mines, outlines = self._link(period)
        attributes = sum_up(self.maps[period], mines, outlines)
        self._measure(period, tracks, outlines, attributes)

    def _link(self, period: int) -> tuple[Positions, Integers, Geometries]:
        """Link the mines of a period to tracks.

        Returns:
            Tracks that are mapped in the period; which of them each mine belongs to, (mines,); and their outlines.
        """
        mines = self.maps[period].outlines
        alive = np.flatnonzero(self.state["alive"])
        labels, old = connect(mines, self.state["ground"].to_numpy()[alive], self.settings.join_metres)
        outlines = unite(mines, labels)
        tracks = np.full(len(outlines), -1, dtype=np.intp)
        claims = self._claim(outlines)
        met = pd.DataFrame({"outline": old[1], "track": alive[old[0]]})
        alone = ~met["outline"].duplicated(keep=False) & ~met["outline"].isin(claims)
        tracks[met["outline"][alone]] = met["track"][alone]
        for outline in np.unique(met["outline"][~alone]).tolist():
            tracks[outline] = self._join(met["track"][met["outline"] == outline].to_numpy(), claims.get(outline, []))
        fresh = np.flatnonzero(tracks < 0)
        middle = np.round(shapely.get_coordinates(shapely.centroid(outlines[fresh])), 1)
        fresh = fresh[np.lexsort((middle[:, 0], -middle[:, 1]))]  # from north to south, whatever the order of polygons
        tracks[fresh] = np.arange(len(self.state), len(self.state) + len(fresh))
        self._begin(period, outlines[fresh], [claims.get(outline, []) for outline in fresh.tolist()])
        return tracks, labels, outlines

    def _claim(self, outlines: Geometries) -> dict[int, list[int]]:
        """Numbers of known ids, not taken yet, whose ground an outline covers; they are taken now."""
        free = np.flatnonzero(~self.claimed)
        known, outline = claim(self.anchors[free], outlines, TOUCHING)
        self.claimed[free[known]] = True
        claims: dict[int, list[int]] = {}
        for number, position in zip(self.numbers[free[known]].tolist(), outline.tolist(), strict=True):
            claims.setdefault(position, []).append(number)
        return claims

    def _join(self, tracks: Positions, claimed: Sequence[int]) -> int:
        """Join tracks that a mine touches, and known ids whose ground it covers.

        Returns:
            The track that goes on: the one with the oldest id.
        """
        joining = self.state.loc[np.sort(tracks)].sort_values("number", kind="stable")
        senior, others, numbers = joining.index[0], joining.index[1:], [*claimed]
        if joining["number"].iloc[0] == PENDING and numbers:
            joining.loc[senior, "number"] = numbers.pop(0)
        first = joining.sort_values("onset_by", kind="stable")[["onset_after", "onset_by"]].iloc[0]
        joined = {
            "number": joining["number"].iloc[0],
            "absorbed": (*others, *chain.from_iterable(joining["absorbed"])),
            "absorbed_numbers": (*numbers, *chain.from_iterable(joining["absorbed_numbers"])),
            **{name: shapely.union_all(joining[name].to_numpy()) for name in ("ground", "last", "known")},
            **{name: joining[name].max() for name in ("compared", "looks", "periods")},
            "waiting": joining["waiting"].all(),
            "confirmed_by": next(filter(None, joining["confirmed_by"]), NOTHING),
            "onset_after": first["onset_after"],
            "onset_by": first["onset_by"],
        }
        self.state.loc[others, "alive"] = False
        for name, value in joined.items():
            self.state.loc[[senior], name] = pd.Series([value], [senior], dtype=_STATE[name])
        return int(senior)

    def _begin(self, period: int, outlines: Geometries, claims: Sequence[Sequence[int]]) -> None:
        """Add tracks of these outlines, which bear the first of the ids that each claimed."""
        if not len(outlines):
            return
        begun = pd.DataFrame(
            {
                "number": [min(claimed, default=PENDING) for claimed in claims],
                "absorbed_numbers": [tuple(sorted(claimed)[1:]) for claimed in claims],
                "absorbed": [() for _ in claims],
                "alive": True,
                "first": period,
                "founding": outlines,
                "ground": outlines,
                "last": _NOWHERE,
                "known": outlines,
                "compared": -1,
                "looks": 0,
                "periods": 0,
                "waiting": True,
                "confirmed_by": NOTHING,
                "onset_after": NEVER,
                "onset_by": NEVER,
            },
            index=range(len(self.state), len(self.state) + len(outlines)),
        ).astype(_STATE)
        self.state = pd.concat([self.state, begun]) if len(self.state) else begun
        self._look_back(period, begun.index.to_numpy())

    def _look_back(self, period: int, tracks: Positions) -> None:
        """Find in earlier periods when new tracks began, and the last period in which their ground was seen."""
        outlines = self.state["ground"].to_numpy()[tracks]
        after, compared = np.full(len(tracks), NEVER), np.full(len(tracks), -1)
        seen_before = np.zeros(len(tracks), dtype=np.int64)
        for earlier in range(period - 1, -1, -1):
            look = self.maps[earlier]
            seen = np.flatnonzero(self._clear_share(earlier, outlines) >= self.settings.minimum_clear_share)
            seen_before[seen] += 1
            compared[seen] = np.maximum(compared[seen], earlier)
            open_ends = seen[np.isnat(after[seen])]
            probability = sample(look.probability, outlines[open_ends], look.plane)[:, 0]
            without = open_ends[~(probability >= self.settings.absent_probability)]
            clear = sample(look.clear_dates, outlines[without], look.plane)[:, 0]
            after[without] = last_day_without(look.days, clear)
        self.state.loc[tracks, "onset_after"] = after
        self.state.loc[tracks, "compared"] = compared
        self.state.loc[tracks, "periods"] = seen_before
        self.state.loc[tracks, "waiting"] = compared >= 0  # mines of the first look are never new

    def _clear_share(self, period: int, shapes: Geometries) -> npt.NDArray[np.float64]:
        return 1 - self.maps[period].unseen.area_in(shapes) / shapely.area(shapes)

    def _measure(self, period: int, mapped: Positions, outlines: Geometries, attributes: pd.DataFrame) -> None:
        """Judge all tracks that go on, and write their rows of the period."""
        look, state = self.maps[period], self.state
        state.loc[mapped, "ground"] = unite_pairs(state["ground"].to_numpy()[mapped], outlines)
        alive = np.flatnonzero(state["alive"])
        outline = np.full(len(state), _NOWHERE, dtype=object)
        outline[mapped] = outlines
        outline = outline[alive]
        there = np.isin(alive, mapped)
        clear = self._clear_share(period, state["ground"].to_numpy()[alive])
        seen = clear >= self.settings.minimum_clear_share
        change, before = self._change(period, alive, outline)
        first = (state["first"] == period).to_numpy()[alive]
        compared = state["compared"].to_numpy()[alive] >= 0
        probability = attributes["probability"].set_axis(mapped).reindex(alive).to_numpy()
        fresh = seen & there & state["waiting"].to_numpy()[alive]
        waits = fresh & self._must_wait(alive, fresh, shapely.area(outline) / HECTARE, probability)
        tolerance = np.maximum(self.settings.tolerance_hectares, self.settings.tolerance_share * before)
        status = np.select(
            [~seen, waits, fresh, first, ~there, change > tolerance, change < -tolerance],
            [SiteStatus.NOT_SEEN, SiteStatus.CANDIDATE, SiteStatus.NEW, SiteStatus.BASELINE, SiteStatus.INACTIVE,
             SiteStatus.GROWN, SiteStatus.SMALLER],
            SiteStatus.UNCHANGED,
        )  # fmt: skip
        rows = attributes.set_axis(mapped).reindex(alive).assign(
            status=status,
            clear_share=np.clip(clear, 0, 1),
            hectares=np.where(seen, shapely.area(outline) / HECTARE, np.nan),
            change_hectares=np.where(seen & compared, change, np.nan),
        )  # fmt: skip
        state.loc[alive[fresh & ~waits], "waiting"] = False
        self._remember(period, alive[seen], outline[seen], there[seen], rows)
        self._confirm(alive, rows["probability"].where(seen & ~waits).to_numpy())
        self._write(look, rows, alive, seen & ~there)

    def _must_wait(
        self,
        alive: Positions,
        fresh: npt.NDArray[np.bool_],
        hectares: npt.NDArray[np.float64],
        probability: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.bool_]:
        """Tell which tracks that have yet to count as new must wait for a second look."""
        state = self.state.loc[alive]
        ground, settled = state["ground"].to_numpy(), ~state["waiting"].to_numpy()
        return must_wait(state["looks"].to_numpy() + fresh, hectares, probability, ground, settled, self.confirmation)

    def _change(
        self, period: int, alive: Positions, outline: Geometries
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Change in hectares on the ground that was seen now and in the period that each is compared with.

        Returns:
            Change, and hectares in the period that it is compared with, both (tracks,); 0 where there is none.
        """
        compared, last = self.state["compared"].to_numpy()[alive], self.state["last"].to_numpy()[alive]
        now, before = np.zeros(len(alive)), np.zeros(len(alive))
        for earlier in np.unique(compared[compared >= 0]):
            chosen = compared == earlier
            then = self.maps[earlier].unseen
            now[chosen] = shapely.area(outline[chosen]) - then.area_in(outline[chosen])
            both = then.cut_from(last[chosen])
            before[chosen] = shapely.area(both) - self.maps[period].unseen.area_in(both)
        return (now - before) / HECTARE, before / HECTARE

    def _remember(
        self, period: int, seen: Positions, outline: Geometries, there: npt.NDArray[np.bool_], rows: pd.DataFrame
    ) -> None:
        """Keep what was seen for the next period."""
        state, look = self.state, self.maps[period]
        counting = outline.copy()
        counting[state["waiting"].to_numpy()[seen]] = _NOWHERE
        state.loc[seen, "last"] = counting
        state.loc[seen, "compared"] = period
        state.loc[seen, "periods"] += 1
        state.loc[seen[there], "known"] = outline[there]
        state.loc[seen[there], "looks"] += 1
        begun = seen[np.isnat(state["onset_by"].to_numpy()[seen])]
        state.loc[begun, "onset_by"] = first_day_with(look.days, rows.loc[begun, "clear_dates"].to_numpy())

    def _confirm(self, alive: Positions, probability: npt.NDArray[np.float64]) -> None:
        known = self.state.loc[alive]
        columns = [known[name].to_numpy() for name in ("confirmed_by", "looks", "periods", "ground")]
        confirmed_by, looks, periods, ground = columns
        self.state.loc[alive, "confirmed_by"] = confirm(
            confirmed_by, looks, probability, periods, ground, self.confirmation
        )

    def _write(self, look: PeriodMap, rows: pd.DataFrame, alive: Positions, idle: npt.NDArray[np.bool_]) -> None:
        """Write the rows of a period; those of sites that are not mapped get their last outline."""
        state = self.state.loc[alive]
        rows = rows.drop(columns="clear_dates")
        hidden = (rows["status"] == SiteStatus.NOT_SEEN).to_numpy()
        rows.loc[hidden, ["probability", "peak_probability"]] = np.nan
        rows.loc[idle, ["probability", "peak_probability"]] = sample(
            look.probability, state["known"].to_numpy()[idle], look.plane
        )
        first_date, last_date = (look.dates[0], look.dates[-1]) if look.dates else (None, None)
        rows = rows.assign(
            track=alive, geometry=state["known"].to_numpy(), region=look.region, period=look.period.name,
            start=look.period.start, end=look.period.end, first_date=first_date, last_date=last_date,
            confirmed_by=state["confirmed_by"], onset_after=state["onset_after"], onset_by=state["onset_by"],
            absorbed=state["absorbed"], absorbed_numbers=state["absorbed_numbers"],
            confirmation=np.where(
                state["confirmed_by"] == NOTHING, Confirmation.PROVISIONAL, Confirmation.CONFIRMED
            ),
            model=look.model, model_version=look.model_version, lineage_id=look.lineage_id,
        )  # fmt: skip
        self.rows.append(rows)
