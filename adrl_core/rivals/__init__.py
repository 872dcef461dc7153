"""Learners that others would try first, on the same markets, episodes and budget as the team."""
