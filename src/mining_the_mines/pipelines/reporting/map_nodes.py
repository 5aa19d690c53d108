"""Nodes that gather composites, maps, sites and areas for the report."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from mining_the_mines.assessment.area_estimates import explain_difference
from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.reporting.area_part import AreaData
from mining_the_mines.reporting.composite_part import CompositeData, CompositeView
from mining_the_mines.reporting.map_part import MapData
from mining_the_mines.reporting.map_pictures import MapPicture, MapView
from mining_the_mines.reporting.site_part import SiteData
from mining_the_mines.scenes.composite_files import BlockFault, Composite
from mining_the_mines.scenes.quicklooks import read_quicklook
from mining_the_mines.scoring.map_scores import MapScores

#: Longest side of a composite's picture in pixels; smaller with many regions, so that the report fits into an e-mail.
_QUICKLOOK: Final = 700
_SMALL_QUICKLOOK: Final = 280
_FEW_REGIONS: Final = 6
#: Longest side of a map's picture in pixels, and number of maps with a picture.
_MAP_PICTURE: Final = 900
_PICTURED_MAPS: Final = 4


def describe_composites(
    composites: Sequence[Composite], scene_table: pd.DataFrame, left_out_scenes: pd.DataFrame
) -> CompositeData:
    """Gather the report data of the composites.

    Args:
        composites: Composites of the regions.
        scene_table: Chosen scenes.
        left_out_scenes: Scenes that were found and not used.
    """
    longest = _QUICKLOOK if len(composites) <= _FEW_REGIONS else _SMALL_QUICKLOOK
    views = []
    for composite in composites:
        quicklook = read_quicklook(composite, longest)
        views.append(
            CompositeView(
                region=composite.region,
                visible=quicklook.visible,
                clear_dates=quicklook.clear_dates,
                pixels_by_clear_dates=quicklook.pixels_by_clear_dates,
                dates=composite.dates,
                baselines=composite.baselines,
                method=composite.method,
            )
        )
    unread = pd.DataFrame([_unread(composite, fault) for composite in composites for fault in composite.faults])
    left_out = pd.concat([left_out_scenes, unread], ignore_index=True)
    notes = tuple(f"{composite.region}: {note}" for composite in composites for note in composite.notes)
    return CompositeData(tuple(views), scene_table, left_out, notes)


def describe_maps(scene_maps: SceneMaps, map_scores: MapScores, areas_by_unit: pd.DataFrame) -> MapData:
    """Gather the report data of maps; those with the largest area of mines get a picture."""
    by_area = sorted(scene_maps.maps, key=lambda found: found.record.hectares, reverse=True)
    pictured = {found.name for found in by_area[:_PICTURED_MAPS]}
    return MapData(
        scenes=tuple(_map_view(found, pictured=found.name in pictured) for found in scene_maps.maps),
        scores=map_scores,
        units=areas_by_unit,
        left_out=pd.DataFrame(
            [(scene.scene, scene.reason) for scene in scene_maps.unmapped], columns=["scene", "reason"]
        ),
    )


def describe_sites(site_score_table: pd.DataFrame, monitoring_alerts: pd.DataFrame) -> SiteData:
    """Gather the report data of sites: scores of new ones, and the alerts."""
    return SiteData(site_score_table, pd.DataFrame(monitoring_alerts.drop(columns="geometry")))


def describe_areas(
    area_estimates: pd.DataFrame,
    judged_places: pd.DataFrame,
    reviewer_agreement: pd.DataFrame,
    disagreements: pd.DataFrame,
) -> AreaData:
    """Gather the report data of estimated areas.

    Args:
        area_estimates: A row per figure; empty as long as no place is judged.
        judged_places: Judged places and their reviewers.
        reviewer_agreement: Agreement of reviewers.
        disagreements: Places that they do not judge alike.
    """
    areas = area_estimates[(area_estimates["measure"] == "area") & (area_estimates["domain"] == "all")]
    sentences = tuple(
        f"{period}: {sentence}" if period else sentence
        for period in areas["period"].unique()
        for sentence in [explain_difference(area_estimates, period)]
    )
    reviewers = sorted({name for names in judged_places["reviewers"] for name in names.split("; ")})
    return AreaData(area_estimates, sentences, tuple(reviewers), reviewer_agreement, disagreements)


def _unread(composite: Composite, fault: BlockFault) -> dict[str, str]:
    """Describe a scene that could not be read as one that was left out."""
    kind = "unreadable" if fault.blocks == fault.of else "read in part"
    where = "" if fault.blocks == fault.of else f" ({fault.blocks} of {fault.of} blocks are without it)"
    return {"region": composite.region, "item": fault.item, "datetime": "", "reason": f"{kind}: {fault.reason}{where}"}


def _map_view(found: SceneMap, *, pictured: bool) -> MapView:
    facts = found.record.facts
    return MapView(
        scene=found.name,
        mines=found.mines,
        mapped_hectares=found.record.mapped_hectares,
        mapped_share=found.record.mapped_share,
        first_date=facts.first_date,
        last_date=facts.last_date,
        picture=MapPicture(*found.picture(_MAP_PICTURE)) if pictured else None,
        unlike_share=found.record.unlike_share,
    )
