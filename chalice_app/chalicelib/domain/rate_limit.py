"""Limit of a caller's calls: a token bucket, as one number (the generic cell rate algorithm).

The number is `full_at`: the time, in microseconds, at which the bucket is full again. It is the "theoretical
arrival time" of ITU-T I.371, Annex A. A call with cost n moves it by n intervals, and is admitted if it stays
within a full bucket from now. So the calls that are admitted in a period cost at most the burst plus what
flows in during the period.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000_000
"""Microseconds."""


@dataclass(frozen=True)
class RateLimit:
    """Calls per minute, and how many a caller can save up. `per_minute` 0 means no limit."""

    per_minute: int = 600
    burst: int = 300

    @property
    def interval(self) -> int:
        """Return the microseconds in which one token flows in."""
        return -(-60 * SECOND // self.per_minute)

    @property
    def window(self) -> int:
        """Return the microseconds in which an empty bucket becomes full."""
        return self.burst * self.interval

    def taken(self, cost: int) -> int:
        """Return by how much a call moves `full_at`. No call costs more than a full bucket."""
        return min(cost, self.burst) * self.interval

    def quota(self, full_at: int, now: int) -> Quota:
        """Return what is left in the bucket."""
        room = max(0, now + self.window - max(full_at, now))
        return Quota(self, room // self.interval, self.interval - room % self.interval)

    def wait(self, full_at: int, now: int, cost: int) -> int:
        """Return the microseconds until a call is admitted, 0 or less if it is now."""
        return max(full_at, now) + self.taken(cost) - now - self.window


@dataclass(frozen=True)
class Quota:
    """What a caller has left: whole calls, and the microseconds until there is one more."""

    limit: RateLimit
    remaining: int
    next_in: int

    @property
    def headers(self) -> dict[str, str]:
        """Return the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11.

        The policy's quota is the burst, and its window the time in which it is available again.
        """
        return {
            "RateLimit-Policy": f'"calls";q={self.limit.burst};w={seconds(self.limit.window)}',
            "RateLimit": f'"calls";r={self.remaining};t={seconds(self.next_in)}',
        }


def seconds(microseconds: int) -> int:
    """Return whole seconds, rounded up, at least 1."""
    return max(1, -(-microseconds // SECOND))
