"""Errors, paths, atomic writes, hashing, redaction, progress and Dask, without any knowledge of mines."""
