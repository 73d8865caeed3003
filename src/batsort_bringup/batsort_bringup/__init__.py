"""Brings the cell up: set-up, launch runner, demo."""
