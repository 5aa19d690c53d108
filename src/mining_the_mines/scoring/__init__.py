"""Metrics, thresholds, intervals and calibration of predictions and maps."""
