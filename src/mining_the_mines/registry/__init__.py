"""Model cards, packages, promotion and serving of registered models; knows no Kedro."""
