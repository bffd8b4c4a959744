"""Golden models and simulated devices."""
