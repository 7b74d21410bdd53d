"""Tests of the practice room."""
