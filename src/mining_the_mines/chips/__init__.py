"""Labelled image chips: reading, quality, folds, statistics, packing."""
