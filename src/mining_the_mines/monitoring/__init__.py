"""Monitoring: periods, sites with their history, alerts, and their confirmation."""
