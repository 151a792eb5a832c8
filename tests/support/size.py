"""Sizes of the tests that have two: a small one by default, and the full one of `pytest --full`."""

from typing import TypeVar

T = TypeVar("T")

FULL = False
"""Set by `tests/conftest.py` before any test module is imported."""


def sized(small: T, full: T) -> T:
    return full if FULL else small
