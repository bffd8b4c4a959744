"""From a checkpoint or a `step` program to the configuration of a fabric."""
