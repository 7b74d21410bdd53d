"""Tests of the work_graph room."""
