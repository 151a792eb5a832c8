"""Log pages fit into a response, whatever a job has printed."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

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


class Streams:
    """Fake of CloudWatch Logs with some streams of one line each."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def get_log_events(self, *, logStreamName: str, nextToken: str = "", **_: Any) -> dict[str, Any]:
        if logStreamName not in self.names:
            error = {"Error": {"Code": "ResourceNotFoundException", "Message": "no such stream"}}
            raise ClientError(error, "GetLogEvents")  # type: ignore[arg-type]
        events = [{"timestamp": 0, "message": f"line of {logStreamName}"}] if not nextToken else []
        return {"events": events, "nextForwardToken": "f/1", "nextBackwardToken": "b/1"}

    def describe_log_streams(self, *, logStreamNamePrefix: str, **_: Any) -> dict[str, Any]:
        found = sorted(name for name in self.names if name.startswith(logStreamNamePrefix))[:50]  # one page
        return {"logStreams": [{"logStreamName": name} for name in found]}


@pytest.mark.parametrize(
    ("streams", "read"),
    [
        (["jr_1", "jr_1-driver", "jr_1_g-2"], "jr_1"),
        (["jr_1-1", "jr_1-driver", "jr_1_g-2"], "jr_1-driver"),
        ([*(f"jr_1-{number}" for number in range(1, 60)), "jr_1-driver"], "jr_1-driver"),
        (["jr_1_g-2", "jr_1_g-3"], "jr_1_g-2"),
        (["jr_1-2", "jr_1_attempt_1"], "jr_1-2"),
        (["jr_1_attempt_1", "jr_1_attempt_1-driver", "jr_11", "jr_11-driver"], None),
    ],
)
def test_the_stream_of_a_run_is_found_by_its_prefix(streams: list[str], read: str | None) -> None:
    client: Any = Streams(*streams)
    logs, lines = Logs(client), [f"line of {read}"] if read else []
    page = logs.page("g", "jr_1", None, 100)
    assert [text for _, text in page.lines] == lines
    assert logs.tail("g", "jr_1", 5) == lines
    if read:
        client.names = (*streams, "jr_1-driver")  # which appears later
        following = logs.page("g", "jr_1", page.next, 100)
        assert (following.lines, following.is_end) == ([], True)


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
