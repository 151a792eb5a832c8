"""GetLogEvents with the pages of CloudWatch Logs: at most 1 MB each, with empty pages in between.

The API "can return empty results while there are more log events available through the token"
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html). moto has no
empty pages, so a client that stops at the first empty page would seem correct. Here an empty page precedes
every further page.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.logs.models import LogStream

from local.moto_patches.patching import replace_methods

_PAGE_BYTES = 1_048_576
_EVENT_OVERHEAD = 26
_EMPTY = "e"
"""Prefix of the token of an empty page. The rest is the token of the page after it."""

Page = tuple[list[dict[str, Any]], str | None, str | None]


def install() -> Callable[[], None]:
    """Install the pages in moto. Return a function that removes them."""
    original = LogStream.get_log_events

    @wraps(original)
    def get_log_events(
        self: LogStream,
        start_time: str,
        end_time: str,
        limit: int,
        next_token: str | None,
        start_from_head: str,
    ) -> Page:
        if next_token is not None and next_token.startswith(_EMPTY):
            return [], next_token[1:], next_token[1:]
        # moto's tokens are a direction and the position of the first or last event of a page.
        events, backward, forward = original(self, start_time, end_time, limit, next_token, start_from_head)
        goes_forward = next_token[0] == "f" if next_token else bool(start_from_head)
        kept = _page(events if goes_forward else events[::-1])
        left_out = len(events) - kept
        if left_out and goes_forward:
            events, forward = events[:kept], _moved(forward, -left_out)
        elif left_out:
            events, backward = events[left_out:], _moved(backward, left_out)
        if not events:
            return events, backward, forward
        return events, f"{_EMPTY}{backward}", f"{_EMPTY}{forward}"

    return replace_methods(LogStream, {"get_log_events": get_log_events})


def _page(events: list[dict[str, Any]]) -> int:
    """Return how many of the events fit into a page, at least one."""
    size = 0
    for number, event in enumerate(events):
        size += len(event["message"].encode()) + _EVENT_OVERHEAD
        if number and size > _PAGE_BYTES:
            return number
    return len(events)


def _moved(token: str | None, by: int) -> str:
    direction, place = (token or "").split("/")
    return f"{direction}/{int(place) + by:056d}"
