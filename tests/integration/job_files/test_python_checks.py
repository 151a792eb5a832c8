"""Checks of large Python files, in separate processes."""

from __future__ import annotations

import threading
import time

import pytest

from chalicelib.services.file_contents import FileContents

TOO_MUCH = "Checking the file takes too much time or memory. Split or simplify it."


def detail(ending: str, body: bytes) -> str | None:
    wrong = FileContents().error(ending, body)
    return None if wrong is None else str(wrong["detail"])


@pytest.mark.parametrize(
    ("ending", "body"),
    [
        (".py", b"f'" + b"{a}" * 110_000 + b"'"),  # a minute
        (".py", b"a\n" * (512 * 1024)),  # 700 MB
        (".py", b"-" * 1_000_000 + b"1"),
    ],
)
def test_expensive_python_is_rejected_while_other_requests_continue(ending: str, body: bytes) -> None:
    found: list[str | None] = []
    began = time.monotonic()
    check = threading.Thread(target=lambda: found.append(detail(ending, body)))
    check.start()
    longest, last = 0.0, time.monotonic()
    while check.is_alive():
        time.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert time.monotonic() - began < 12
    assert longest < 2  # other threads are not blocked; the limit allows for a busy machine
    assert found[0] is not None
    assert found[0] == TOO_MUCH or found[0].startswith("Not valid Python:")


def test_ordinary_python_of_a_megabyte_is_accepted() -> None:
    function = b"def f(a, b):\n    return {'a': [a, b, 'text'], 'b': f'{a} and {b}'}\n\n\n"
    assert detail(".py", function * (1024 * 1024 // len(function))) is None
