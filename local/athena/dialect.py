"""Athena's SQL as sqlglot parses it, with functions as written.

sqlglot has classes of its own for many functions, with translations that differ from Trino in details. Here a
function keeps its name and arguments, and `functions` says what DuckDB runs.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.athena import Athena
from sqlglot.parsers.athena import AthenaParser, AthenaTrinoParser

# Functions whose arguments have keywords.
_KEYWORDS = (
    *("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "LISTAGG", "JSON_QUERY", "JSON_VALUE"),
)


class _Trino(AthenaTrinoParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: AthenaTrinoParser.FUNCTION_PARSERS[name] for name in _KEYWORDS
    }
    TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Any]] = {
        **AthenaTrinoParser.TYPE_LITERAL_PARSERS,
        # DECIMAL '1.50' has the precision and scale of its digits.
        exp.DType.DECIMAL: lambda self, this, _: exp.Literal(this=this.name, is_string=False),
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": AthenaTrinoParser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }


class _Parser(AthenaParser):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        given = {key: value for key, value in options.items() if key in ("error_level", "max_errors")}
        self._trino_parser = _Trino(dialect=self._trino_parser.dialect, **given)


class AthenaNames(Athena):
    """Dialect of Athena in which functions keep their names."""

    Parser = _Parser
