"""Calibration: a market of the channels family with the prices and rates of a user's own log."""
