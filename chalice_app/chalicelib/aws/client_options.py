"""Retries and timeouts of boto3's clients."""

from __future__ import annotations

from botocore.config import Config

# Adaptive mode slows a client down when AWS throttles it. Timeouts are short because API Gateway waits.
PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 4}, connect_timeout=3, read_timeout=10)
# All calls of an Athena query must fit into the time limit of the request.
QUICK = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=4)
BRIEF = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=1)


def once(lease_seconds: int) -> Config:
    """Return the options of calls that start something, which a repetition could start twice.

    The timeout is shorter than the lease of the attempt.
    """
    return Config(
        retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=max(2, lease_seconds // 2)
    )
