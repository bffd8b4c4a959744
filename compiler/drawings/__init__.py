"""Floor plans and heat maps."""
