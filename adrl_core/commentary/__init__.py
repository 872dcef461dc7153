"""Commentary on the results: findings from code, words from a language model, and a check in between."""
