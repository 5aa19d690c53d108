"""Where chips come from: cut from composites of scenes, or handed over."""

from collections.abc import Mapping
from typing import Final, Literal

from mining_the_mines.core.errors import BadInputError

ChipSource = Literal["simulation", "archive", "prebuilt"]

#: Composites of simulated scenes.
SIMULATION: Final = "simulation"
#: Composites of scenes of a STAC archive.
ARCHIVE: Final = "archive"
#: Somebody else made the chips.
PREBUILT: Final = "prebuilt"


def read_chip_source(acquisition: object) -> ChipSource:
    """Tell from the parameter ``acquisition`` where chips come from.

    Args:
        acquisition: The group of parameters; ``None`` in an environment whose chips were handed over.

    Returns:
        The origin.

    Raises:
        BadInputError: Regions are named for simulated scenes, which have regions of their own.
    """
    if acquisition is None:
        return PREBUILT
    source = acquisition.get("source", SIMULATION) if isinstance(acquisition, Mapping) else acquisition
    if source != SIMULATION:
        return ARCHIVE
    if isinstance(acquisition, Mapping) and acquisition.get("regions"):
        raise BadInputError(
            "acquisition.regions says where scenes are wanted, but acquisition.source is the simulation, which has "
            "regions of its own: take --env=archive, or name another source."
        )
    return SIMULATION
