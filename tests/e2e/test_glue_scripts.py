"""Glue scripts of the kinds that people publish, run through the API. DuckDB computes the rows expected."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.e2e.glue_scripts import cases
from tests.e2e.glue_scripts.case import Case
from tests.support.glue_scripts import Outcome, run_all
from tests.support.local_up import Up


@pytest.fixture(scope="session")
def outcomes(
    up: Up, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome | BaseException]:
    """The outcome of each selected script by name. They run at once, before the first test."""
    selected = {
        item.callspec.params["case"].name: item.callspec.params["case"]
        for item in request.session.items
        if "outcomes" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("skip")
    }
    return run_all(up, selected.values(), tmp_path_factory.mktemp("glue_scripts"))


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=() if case.is_quick else pytest.mark.full) for case in cases.ALL],
)
def test_a_glue_script(case: Case, outcomes: dict[str, Outcome | BaseException]) -> None:
    outcome = outcomes[case.name]
    if isinstance(outcome, BaseException):
        raise outcome
    run = outcome.run
    assert len(outcome.warnings) == bool(case.warning), outcome.warnings
    assert all(re.search(case.warning, warning) for warning in outcome.warnings), outcome.warnings
    if case.error:
        assert run["status"] == "FAILED", run
        message = run["error"]["message"]
        assert re.search(case.error, message), message
        _check_words(message, *run["error"]["log_tail"])
        return
    assert run["status"] == "SUCCEEDED", "\n".join([str(run["error"]), *outcome.log[-20:]])
    missing = [text for text in case.log if not any(text in line for line in outcome.log)]
    assert not missing, outcome.log
    if case.objects:
        odd = [name for name in outcome.objects if not any(re.fullmatch(p, name) for p in case.objects)]
        odd = [name for name in odd if not name.endswith(("_SUCCESS", "_$folder$"))]
        assert outcome.objects and not odd, outcome.objects
    if case.result:
        found = _rows(case.result, outcome)
        assert found == _rows(case.expected, outcome)
        assert found[1]
    for name, sql in case.rows.items():
        columns, expected = _rows(sql, outcome)
        assert "items" in outcome.rows[name], outcome.rows[name]
        items = outcome.rows[name]["items"]
        assert _sorted([_values(item[column] for column in columns) for item in items]) == expected


def _check_words(*lines: str) -> None:
    """Fail if a message begins with Java's stack, or shows a path of this machine."""
    text = "\n".join(lines)
    assert str(Path.home()) + "/" not in text or str(Path.home()) == "/", text
    assert not re.search(r"/tmp/|/site-packages/|Py4JJavaError: An error occurred while calling", text), text


def _rows(sql: str, outcome: Outcome) -> tuple[list[str], list[list[str | None]]]:
    """The columns and the sorted rows of a query."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.sql(sql.replace("{data}", str(outcome.data)).replace("{out}", str(outcome.out)))
        return found.columns, _sorted([_values(row) for row in found.fetchall()])


def _values(row: Any) -> list[str | None]:
    return [None if value is None else _text(value) for value in row]


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float() | Decimal():
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case datetime():
            utc = value.astimezone(UTC) if value.tzinfo else value
            return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03}Z"
        case date():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(str(v) if v is None else _text(v) for v in value)}]"
        case dict():
            return f"{{{', '.join(f'{k}: {v if v is None else _text(v)}' for k, v in value.items())}}}"
    return str(value)


def _sorted(rows: list[list[str | None]]) -> list[list[str | None]]:
    return sorted(rows, key=lambda row: [(value is not None, value or "") for value in row])
