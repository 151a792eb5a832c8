"""CSV text of response bodies: RFC 4180, in UTF-8."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from chalicelib.api.media_types import CSV

CONTENT_TYPE = f"{CSV}; charset=utf-8; header=present"
"""https://www.rfc-editor.org/rfc/rfc4180#section-3"""

# Characters that begin a formula, and separators, after which a spreadsheet may begin another cell:
# https://owasp.org/www-community/attacks/CSV_Injection. Full-width signs count as the plain ones.
_FORMULA = re.compile(r"(^|[,;|\t\r\n])(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20\t\r\n])")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV text. None is an empty field. Lines end with CRLF."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def no_formula(name: str) -> str:
    """Return a name that a spreadsheet does not read as a formula: with an apostrophe before its signs."""
    return _FORMULA.sub(r"\1'", name)


def money(usd: float) -> str:
    """Return an amount with six decimals, the smallest that the service records, and without an exponent."""
    return f"{usd:.6f}"
