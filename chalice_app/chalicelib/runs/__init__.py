"""Job runs: what starts, follows, stops and settles them."""
