"""Places in the text of a query, as `line 1:8`."""

from __future__ import annotations

from sqlglot import exp


def place_of(node: exp.Expression) -> str:
    """Return the place where an expression begins."""
    text = str(node.root().meta.get("text", ""))
    starts = [each.meta["start"] for each in node.walk() if "start" in each.meta]
    return place_at(text, min(starts, default=0))


def place_at(text: str, offset: int) -> str:
    """Return the place of an offset."""
    before = text[:offset]
    return f"line {before.count(chr(10)) + 1}:{offset - (before.rfind(chr(10)) + 1) + 1}"


def place_of_operator(node: exp.Expression, operator: str) -> str:
    """Return the place of the operator of a comparison or an arithmetic expression."""
    text = str(node.root().meta.get("text", ""))
    ends = [each.meta["end"] for each in node.this.walk() if "end" in each.meta]
    found = text.find(operator, max(ends) + 1) if ends else -1
    return place_at(text, found) if found >= 0 else place_of(node)
