"""Commands of the project beside Kedro's own, one a module."""
