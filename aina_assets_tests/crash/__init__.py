"""Builds that are killed, starved of disk, or started twice: the last good state must stay."""
