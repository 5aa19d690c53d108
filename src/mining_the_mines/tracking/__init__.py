"""What runs write to MLflow, and what is read back from there."""
