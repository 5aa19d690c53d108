"""What a Sentinel-2 pixel is: bands, reflectance and spectral indices."""
