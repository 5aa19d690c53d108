"""A landscape with mines as a simulated Sentinel-2 sees it."""

from mining_the_mines.simulation.landscape import Landscape, Plan, build_landscape
from mining_the_mines.simulation.sensor import Sky, observe, observe_native
from mining_the_mines.simulation.settings import SimulationSettings
from mining_the_mines.simulation.writing import read_simulation_settings, write_simulated_chips

__all__ = [
    "Landscape",
    "Plan",
    "SimulationSettings",
    "Sky",
    "build_landscape",
    "observe",
    "observe_native",
    "read_simulation_settings",
    "write_simulated_chips",
]
