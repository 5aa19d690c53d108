"""Errors, paths, atomic writes, hashing, redaction, progress and Dask: knows nothing of mines."""
