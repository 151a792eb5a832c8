"""What texts from callers may look like, as annotations that validate and are told in `/openapi.json`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Matching:
    """The whole text matches `pattern` and does not match `but_not`; `words` say so to a person.

    Patterns are of the kind that Python and JavaScript read alike (JSON Schema's dialect).
    """

    pattern: str
    words: str
    but_not: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Checks after the type has been."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The same in JSON Schema, whose patterns are not anchored by themselves."""
        told = handler(schema) | {"pattern": f"^(?:{self.pattern})$"}
        if self.but_not:
            told["not"] = {"pattern": f"^(?:{self.but_not})$"}
        return told

    def _check(self, value: str) -> str:
        is_refused = self.but_not is not None and re.fullmatch(self.but_not, value)
        if is_refused or not re.fullmatch(self.pattern, value) or _HALF_A_PAIR.search(value):
            raise ValueError(self.words)
        return value


# JSON's escapes can say half a surrogate pair, which is no character; JavaScript's patterns cannot tell it.
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


# Control characters, soft hyphen, what is invisible or turns the direction of writing, private use.
_UNPRINTABLE = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ue000-\uf8ff\ufeff\ufff0-\uffff"
)

# CloudFormation would put a secret in the place of {{resolve:...}}: no two braces in a row.
PLAIN = Matching(
    rf"\{{?(?:[^{{{_UNPRINTABLE}]\{{?)*",
    "must be printable, and must not contain {{",
)
"""A text of any language, for people or programs to read."""
