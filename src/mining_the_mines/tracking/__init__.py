"""What runs write to MLflow, and what is read back from there."""

from mining_the_mines.tracking.active import ChildRun, TrackedRun, active_run

__all__ = ["ChildRun", "TrackedRun", "active_run"]
