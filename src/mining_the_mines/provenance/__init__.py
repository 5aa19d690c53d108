"""Where every file comes from: hashes of contents, records of what nodes read and wrote, and lineage.

Knows neither Kedro nor MLflow.
"""
