"""Puts the firmware on a board: stages what is copied, flashes, deploys."""

from pathlib import Path

DEVICE = Path(__file__).resolve().with_name("device")  # holds the smallest board, update_board.py
