"""Tests of the sources room, and the servers they need."""
