"""Tests of the server: API, pages, boundary, and the loop over HTTP."""
