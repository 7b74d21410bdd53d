"""Packets: what is in them, what is said about them, and the reports."""
