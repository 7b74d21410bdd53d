"""Documents that people author about packets."""
