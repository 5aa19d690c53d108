"""Grids, equal-area measures and vector files."""
