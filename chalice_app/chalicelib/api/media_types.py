"""Negotiation of the media type of a response by the Accept header (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.errors import NotAcceptable

CSV, JSON = "text/csv", "application/json"


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """Return the offered media type that a request prefers.

    Of those with the same weight, it is the one that the header names most exactly, or else the first one.
    Raises `NotAcceptable` if the request accepts none of them.
    """
    if not accept or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",")]
    weights = {kind: _weight(kind, ranges) for kind in offered}
    best = max(offered, key=lambda kind: weights[kind])
    if weights[best][0] <= 0:
        raise NotAcceptable(f"Request this with Accept: {' or '.join(offered)}.")
    return best


def prefers_csv(accept: str | None) -> bool:
    """Return whether a request prefers CSV to JSON. A request that accepts neither gets JSON."""
    try:
        return preferred(accept, (JSON, CSV)) == CSV
    except NotAcceptable:
        return False


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0


def _weight(kind: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """Return weight and rank of the most specific range that matches a media type, or zeros."""
    for rank, pattern in ((3, kind), (2, f"{kind.partition('/')[0]}/*"), (1, "*/*")):
        found = [weight for name, weight in ranges if name == pattern]
        if found:
            return max(found), rank
    return 0.0, 0
