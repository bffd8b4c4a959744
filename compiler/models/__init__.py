"""Front ends of model families."""
