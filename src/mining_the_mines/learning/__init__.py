"""Fitting the models fold by fold."""
