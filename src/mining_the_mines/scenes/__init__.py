"""Sentinel-2 scenes of STAC catalogs: search, selection, download, reading by window, and composites."""
