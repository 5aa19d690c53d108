"""A landscape with mines as a simulated Sentinel-2 sees it."""
