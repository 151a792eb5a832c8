"""Job runs: start, following, stop and settlement."""
