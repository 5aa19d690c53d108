"""Scenes of Sentinel-2 in a STAC catalog: choosing them, reading them by window, and what becomes of them."""
