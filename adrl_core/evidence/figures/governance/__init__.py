"""Figures of the trials of governance: one module a trial, each with `figures(results)`."""
