"""Commands of `python -m local` that run the whole product: `up` and `demo`."""
