"""Nodes of reporting on maps of whole scenes."""

from typing import Final

import pandas as pd

from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.reporting.report_data import MapData, MapPicture, MapView
from mining_the_mines.scoring.map_scores import MapScores

#: Longest side of a picture in pixels, and of how many scenes there is one.
_PICTURE: Final = 900
_PICTURED: Final = 4


def describe_maps(scene_maps: SceneMaps, map_scores: MapScores, areas_by_unit: pd.DataFrame) -> MapData:
    """Gather the report data of maps; those with the largest area of mines get a picture."""
    by_area = sorted(scene_maps.maps, key=lambda found: found.record.hectares, reverse=True)
    pictured = {found.name for found in by_area[:_PICTURED]}
    return MapData(
        scenes=tuple(_view(found, pictured=found.name in pictured) for found in scene_maps.maps),
        scores=map_scores,
        units=areas_by_unit,
        left_out=pd.DataFrame(
            [(scene.scene, scene.reason) for scene in scene_maps.unmapped], columns=["scene", "reason"]
        ),
    )


def _view(found: SceneMap, *, pictured: bool) -> MapView:
    facts = found.record.facts
    return MapView(
        scene=found.name,
        mines=found.mines,
        mapped_hectares=found.record.mapped_hectares,
        mapped_share=found.record.mapped_share,
        first_date=facts.first_date,
        last_date=facts.last_date,
        picture=MapPicture(*found.picture(_PICTURE)) if pictured else None,
    )
