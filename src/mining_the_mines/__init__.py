"""Mining the Mines: from Sentinel-2 imagery to a map of mines."""

__version__ = "0.1.0"
