"""Assets of the packets room: declarations only."""
