"""Assets of the titles room: declarations only."""
