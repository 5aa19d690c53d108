"""Around a run: which tasks it has; and in MLflow, what it was made of and what came out."""
