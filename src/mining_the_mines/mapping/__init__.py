"""Maps of mines: polygons from probabilities, and the files that a GIS opens."""
