"""Limits per caller that hold over all processes: one item of DynamoDB per caller, one write per call.

DynamoDB's expressions have no maximum, so a write is one of two: it starts from now if the bucket is full, or
moves the stored time if it is not. A process remembers the last time that it saw, to choose the right one
first. A wrong choice costs a second write. The conditions alone decide, so the memory cannot admit a call.

Clocks of processes differ. A process whose clock is ahead by d sees d more in the bucket, and one whose clock
is behind by d sees d less. So with clocks within d of each other, a caller is admitted at most what flows in
during d more than the limit, and waits at most d longer. AWS rejects requests of processes whose clock is
wrong by more than minutes (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).

If DynamoDB does not answer, the call is admitted: an outage of the limit must not become one of the service.
The stage's limit of API Gateway (`RequestsPerSecond`) is far below the 1,000 writes per second at which
DynamoDB would throttle the item of a caller who floods the API.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.errors import AwsError
from chalicelib.clock import Clock, now
from chalicelib.domain.rate_limit import SECOND, Quota, RateLimit, seconds
from chalicelib.errors import RateLimited
from chalicelib.observability import logger
from chalicelib.storage import items, metrics

if TYPE_CHECKING:
    from chalicelib.domain.json_types import Json

_REMEMBERED = 1000
_KEPT_SECONDS = 3600
"""How long an item stays after its bucket is full. Without the item, the bucket is full."""

_FULL = ("SET full_at = :at, #ttl = :ttl", "attribute_not_exists(full_at) OR full_at <= :now")
_USED = ("SET full_at = full_at + :taken, #ttl = :ttl", "full_at > :now AND full_at <= :most")


class RateLimits:
    """The token buckets of callers. `limit.per_minute` 0 switches them off."""

    def __init__(self, table: Table, limit: RateLimit, *, clock: Clock = now) -> None:
        self._table = table
        self._limit = limit
        self._clock = clock
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str, cost: int) -> Quota | None:
        """Take a call's cost out of the caller's bucket, and return what is left.

        Returns None if no limit applies. Raises `RateLimited` if the bucket has too little.
        """
        if not self._limit.per_minute:
            return None
        moment = math.floor(self._clock().timestamp() * SECOND)
        try:
            full_at = self._taken(caller, cost, moment)
        except AwsError as error:
            logger.warning("rate limit not checked", code=error.code)
            metrics.call_unchecked()
            return None
        self._remember(caller, full_at)
        return self._limit.quota(full_at, moment)

    def _taken(self, caller: str, cost: int, moment: int) -> int:
        """Write the call. Each attempt that fails learns a later time, so at most three are needed."""
        seen = self._seen.get(caller, 0)
        for _ in range(3):
            if self._limit.wait(seen, moment, cost) > 0:
                break
            try:
                return self._write(caller, cost, moment, is_full=seen <= moment)
            except ConditionFailed as failure:
                seen = failure.items[0]["full_at"] if failure.items else 0
                self._remember(caller, seen)
        quota, wait = self._limit.quota(seen, moment), self._limit.wait(seen, moment, cost)
        metrics.call_refused()
        raise RateLimited(
            f"You may make {self._limit.per_minute} calls that change or compute something per minute, and "
            f"{self._limit.burst} at once. Retry after the seconds in Retry-After.",
            retry_after=seconds(wait),
            headers=quota.headers,
        )

    def _write(self, caller: str, cost: int, moment: int, *, is_full: bool) -> int:
        taken = self._limit.taken(cost)
        kept_until = (moment + self._limit.window) // SECOND + _KEPT_SECONDS
        values: Json = {":now": moment, ":ttl": kept_until}
        if is_full:
            values[":at"] = moment + taken
        else:
            values |= {":taken": taken, ":most": moment + self._limit.window - taken}
        expression, condition = _FULL if is_full else _USED
        item = self._table.write_and_return(
            self._table.update(
                items.rate_key(caller), expression, condition, values, {"#ttl": "ttl"}, returns_item=True
            )
        )
        return int(item["full_at"])

    def _remember(self, caller: str, full_at: int) -> None:
        with self._lock:  # the local server has threads
            self._seen[caller] = full_at
            self._seen.move_to_end(caller)
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
