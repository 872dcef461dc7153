"""How fast it is, beside its peers; `python -m benchmarks` prints a table for each question."""
