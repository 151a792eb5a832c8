"""Patterns of strings in requests, as pydantic annotations for validation and the OpenAPI document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Matching:
    """The string must match `pattern`, and must not match `but_not`. `words` is the error message.

    Both match the whole string, and have the same meaning in Python and in JavaScript (JSON Schema's
    dialect).
    """

    pattern: str
    words: str
    but_not: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate after the type."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the JSON Schema, whose patterns need anchors."""
        json_schema = handler(schema) | {"pattern": f"^(?:{self.pattern})$"}
        if self.but_not:
            json_schema["not"] = {"pattern": f"^(?:{self.but_not})$"}
        return json_schema

    def _check(self, value: str) -> str:
        is_refused = self.but_not is not None and re.fullmatch(self.but_not, value)
        if is_refused or not re.fullmatch(self.pattern, value) or _SURROGATE.search(value):
            raise ValueError(self.words)
        return value


# JSON escapes can contain unpaired surrogates, which JavaScript patterns cannot reject.
_SURROGATE = re.compile("[\ud800-\udfff]")


# Control characters, soft hyphen, invisible and bidirectional characters, private use.
_UNPRINTABLE = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ue000-\uf8ff\ufeff\ufff0-\uffff"
)

# CloudFormation replaces {{resolve:...}} with a secret, so two braces in a row are not allowed.
PLAIN = Matching(
    rf"\{{?(?:[^{{{_UNPRINTABLE}]\{{?)*",
    "must be printable, and must not contain {{",
)
"""Printable text of any language."""
