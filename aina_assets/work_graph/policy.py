"""Documents that people author about work."""
