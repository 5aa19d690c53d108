"""One door for pixels: any raster as bands by name, reflectance, what is valid, and its grid."""
