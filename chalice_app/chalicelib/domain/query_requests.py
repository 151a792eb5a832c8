"""Models of requests for queries."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from chalicelib.domain.settings import Strict

MOST_SQL_BYTES = 60_000
"""Athena allows 262,144 bytes (https://docs.aws.amazon.com/athena/latest/ug/service-limits.html), but a
request of this API has at most 64 KB."""
_MOST_PARAMETERS = 100


def _sql(value: str) -> str:
    if not value.strip():
        raise ValueError("Must contain a statement.")
    return _text(value, MOST_SQL_BYTES)


def _parameter(value: str) -> str:
    return _text(value, 1024)


def _text(value: str, most: int) -> str:
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise ValueError("Must be valid Unicode, without unpaired surrogates.") from error
    if size > most:
        raise ValueError(f"Must have at most {most} bytes in UTF-8.")
    return value


def _blank(schema: Any) -> None:
    schema["pattern"] = r"\S"


class QueryRequest(Strict):
    """A query: one SQL statement."""

    sql: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MOST_SQL_BYTES,
            description=f"One SQL statement, of at most {MOST_SQL_BYTES} bytes in UTF-8.",
            json_schema_extra=_blank,
        ),
        AfterValidator(_sql),
    ]
    database: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None,
        description="Database of tables that the SQL names without one: a short name, such as `sot`, or the "
        "name in the Data Catalog. By default the first one with source data.",
    )
    parameters: list[Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_parameter)]] = (
        Field(
            default_factory=list,
            max_length=_MOST_PARAMETERS,
            description="Values of the question marks in the SQL, as SQL literals: `'text'`, `7`, "
            "`DATE '2026-11-24'`.",
        )
    )
