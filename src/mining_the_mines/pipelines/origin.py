"""Where chips come from: cut from composites of scenes, or handed over."""

from collections.abc import Mapping
from typing import Final, Literal

Origin = Literal["simulation", "archive", "handed_over"]

#: Composites of simulated scenes.
SIMULATION: Final = "simulation"
#: Composites of scenes of a STAC archive.
ARCHIVE: Final = "archive"
#: Somebody else made the chips.
HANDED_OVER: Final = "handed_over"


def read_origin(acquisition: object) -> Origin:
    """Tell from the parameter ``acquisition`` where chips come from.

    Args:
        acquisition: The group of parameters; ``None`` in an environment whose chips were handed over.

    Returns:
        The origin.
    """
    if acquisition is None:
        return HANDED_OVER
    source = acquisition.get("source", SIMULATION) if isinstance(acquisition, Mapping) else acquisition
    return SIMULATION if source == SIMULATION else ARCHIVE
