"""Documents that people author about titles."""
