"""Reproducible reinforcement-learning report package for ad auctions."""

__version__ = "0.1.0"
