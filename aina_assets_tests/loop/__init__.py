"""The learner loop over a built release: planner, service."""
