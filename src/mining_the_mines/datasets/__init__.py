"""Kedro datasets for chips, packed arrays, models and tables."""
