"""Sentinel-2 pixels: bands, reflectance, offsets, clear sky, composites of dates, and spectral indices."""
