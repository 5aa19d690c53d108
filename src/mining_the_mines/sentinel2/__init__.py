"""What a Sentinel-2 pixel is: bands, reflectance, offsets, clear sky, composites of dates, and spectral indices."""
