"""Facts of the trials of governance: one module a trial, each with `facts(results)`."""
