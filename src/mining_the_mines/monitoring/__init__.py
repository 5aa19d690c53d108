"""Mines through time: periods, sites with their history, what is new, and how sure that is."""
