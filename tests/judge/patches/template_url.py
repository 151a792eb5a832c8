"""CloudFormation reads a `TemplateURL` only in path style, not as `https://bucket.s3.amazonaws.com/key`."""

from __future__ import annotations

import re
from typing import Any

from ministack.services.cloudformation import helpers

_VIRTUAL_HOSTED = re.compile(r"https://(?P<bucket>[^/]+?)\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com/(?P<key>.+)")
_resolve = helpers._resolve_document


def needed() -> bool:
    given = {"TemplateURL": ["https://bucket.s3.amazonaws.com/key"]}
    _, error = _resolve(given, "TemplateBody", "TemplateURL", "Template")
    return "Invalid TemplateURL" in str(error)


def apply() -> None:
    helpers._resolve_document = _resolve_document


def _resolve_document(params: Any, body_key: str, url_key: str, label: str) -> Any:
    if found := _VIRTUAL_HOSTED.match(helpers._p(params, url_key) or ""):
        params = {**params, url_key: [f"https://s3.amazonaws.com/{found['bucket']}/{found['key']}"]}
    return _resolve(params, body_key, url_key, label)
