"""Trials of the mechanisms on trained teams: what each catches, misses and costs, as tables."""
