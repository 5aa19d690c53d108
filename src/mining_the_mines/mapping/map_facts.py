"""What every polygon of a map is to say of where it comes from."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class MapFacts:
    """What holds for a whole map.

    Attributes:
        scene: Name of the scene.
        model: Name of the model.
        model_version: Which of its versions.
        first_date: Of the scene's images; ``None`` if it does not say.
        last_date: Of the scene's images; ``None`` if it does not say.
        origin: What to type to ask where the map comes from, such as ``scene_maps:0123456789ab``; empty as long as
            nobody knows.
    """

    scene: str
    model: str
    model_version: str
    first_date: date | None = None
    last_date: date | None = None
    origin: str = ""
