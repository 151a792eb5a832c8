"""One source of chance for a whole process: ids, tokens and jitter follow from a seed."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator

from moto.moto_api._internal import mock_random


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """While in here, `random`, `secrets`, `uuid.uuid4` and moto's ids are drawn from the seed.

    The service's ids, botocore's request tokens and moto's names come from the operating system's entropy;
    to repeat a run byte by byte, that is what has to be replaced.
    """
    rng = random.Random(f"entropy {seed}")  # noqa: S311 - a simulation's
    state = random.getstate()
    places = (os, "urandom"), (random, "_urandom")  # uuid4 reads the one, SystemRandom the other
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
