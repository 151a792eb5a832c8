"""Seeded randomness for a whole process: IDs, tokens and jitter follow from a seed."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator

from moto.moto_api._internal import mock_random


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the context, draw `random`, `secrets`, `uuid.uuid4` and moto's IDs from the seed.

    The service's IDs, botocore's request tokens and moto's names use the entropy of the operating system,
    which must be replaced to repeat a run exactly.
    """
    rng = random.Random(f"entropy {seed}")  # noqa: S311 - for a simulation
    state = random.getstate()
    places = (os, "urandom"), (random, "_urandom")  # used by uuid4 and by SystemRandom
    before = [getattr(module, name) for module, name in places]
    for module, name in places:
        setattr(module, name, rng.randbytes)
    random.seed(seed)
    mock_random.seed(seed)
    try:
        yield
    finally:
        for (module, name), original in zip(places, before, strict=True):
            setattr(module, name, original)
        random.setstate(state)
        mock_random.seed()
