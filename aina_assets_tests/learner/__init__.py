"""Tests of the learner loop."""
