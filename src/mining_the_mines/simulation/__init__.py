"""A landscape with mines as a simulated Sentinel-2 sees it."""

from mining_the_mines.simulation.board import Plan
from mining_the_mines.simulation.changing_series import simulate_changing_archive
from mining_the_mines.simulation.landscape import Landscape, build_landscape
from mining_the_mines.simulation.sensor import Sky, observe_native, observe_truth
from mining_the_mines.simulation.series import read_series_settings, simulate_archive, write_simulated_series
from mining_the_mines.simulation.settings import ChangingSeriesSettings, SeriesSettings

__all__ = [
    "ChangingSeriesSettings",
    "Landscape",
    "Plan",
    "SeriesSettings",
    "Sky",
    "build_landscape",
    "observe_native",
    "observe_truth",
    "read_series_settings",
    "simulate_archive",
    "simulate_changing_archive",
    "write_simulated_series",
]
