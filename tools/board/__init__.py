"""Puts the firmware on a board: stages what is copied, flashes, deploys."""
