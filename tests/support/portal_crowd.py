"""Hundreds of environments, as the API would list them: stands in for `GET /environments` in a browser."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Route

_CAUSES = ("permission", "quota", "quota", "throttling")
_LIMIT = 100


def crowd(number: int) -> list[dict[str, Any]]:
    """Return environments: of 20, one is QUEUED, one FAILED, one CREATING, and one is frozen."""
    now = datetime.now(UTC)
    made = []
    for index in range(number):
        kind = index % 20
        status = {0: "QUEUED", 1: "FAILED", 2: "CREATING"}.get(kind, "READY")
        cause = _CAUSES[index // 20 % len(_CAUSES)]
        made.append(
            {
                "id": f"env{index:07d}".translate(str.maketrans("0189", "abcd")),
                "owner": f"student-{index:04d}@example.com",
                "status": status,
                "reason": None,
                "created_at": _time(now - timedelta(minutes=index)),
                "expires_at": _time(now + timedelta(hours=2 + index)),
                "queue": {"position": index // 20, "eta_seconds": 60 * index} if kind == 0 else None,
                "failure": {"cause": cause, "message": f"{cause} failed."} if kind == 1 else None,
                "frozen": {"by_type": "user", "reason": "The course has ended."} if kind == 3 else None,
                "budget": {"spent_usd": index / 100},
            }
        )
    return made


class CrowdApi:
    """Lists `environments` by status in pages, with ETags. `answers` counts requests by status code."""

    def __init__(self, context: BrowserContext, environments: list[dict[str, Any]]) -> None:
        self.environments = environments
        self.answers: Counter[int] = Counter()
        context.route("**/environments?*", self._answer)

    def _answer(self, route: Route) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        found = [each for each in self.environments if each["status"] == query["status"]]
        start = int(query.get("cursor", "0"))
        end = start + _LIMIT
        page = {"items": found[start:end], "next": str(end) if end < len(found) else None}
        text = json.dumps(page)
        tag = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        is_known = route.request.headers.get("if-none-match") == tag
        status = 304 if is_known else 200
        self.answers[status] += 1
        headers = {"ETag": tag, "Content-Type": "application/json"}
        route.fulfill(status=status, headers=headers, body="" if is_known else text)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
