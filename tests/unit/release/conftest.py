"""Fixtures of releases."""

from tests.support.recognised_csv import read, refuse

__all__ = ["read", "refuse"]
