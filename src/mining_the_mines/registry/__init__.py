"""What a registered model is told by, and whether it takes another one's place; knows neither MLflow nor Kedro."""
