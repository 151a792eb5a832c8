"""Log pages fit into a response, whatever a job has printed."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.aws.logs import Logs
from chalicelib.domain.response_size import MOST_BYTES, wire_bytes


class CloudWatch:
    """Fake of CloudWatch Logs with one stream. Tokens are line numbers."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def get_log_events(self, *, limit: int, nextToken: str = "0", **_: Any) -> dict[str, Any]:
        begin = int(nextToken)
        events = [{"timestamp": 0, "message": line} for line in self.lines[begin : begin + limit]]
        return {"events": events, "nextForwardToken": str(begin + len(events))}


@pytest.mark.parametrize("line", ["\x01" * 100_000, "\U0001f600" * 25_000, '"' * 100_000, "plain" * 20_000])
def test_all_lines_are_returned_in_pages_that_fit(line: str) -> None:
    client: Any = CloudWatch(
        [f"{number} {line}" for number in range(10)]
    )  # a megabyte, as CloudWatch returns
    logs, token, read = Logs(client), None, []
    while True:
        page = logs.page("g", "s", token, 100)
        assert wire_bytes(page.lines) <= MOST_BYTES
        read += [text for _, text in page.lines]
        if page.is_end:
            break
        token = page.next
    assert read == client.lines


def test_one_line_that_is_too_large_is_truncated() -> None:
    client: Any = CloudWatch(["\x01" * 1_000_000])
    page = Logs(client).page("g", "s", None, 100)
    assert wire_bytes(page.lines) <= MOST_BYTES and page.lines[0][1].endswith("…")
