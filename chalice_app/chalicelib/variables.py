"""Environment variables: reads them by type and reports all errors at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

Choice = TypeVar("Choice", bound=str)

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_ORIGIN = rf"(?:https://{_HOST}|http://(?:localhost|127\.0\.0\.1))(?::[1-9][0-9]{{0,4}})?"
ORIGIN = re.compile(_ORIGIN)
"""Scheme, host and port. Without TLS only on this machine."""
URL = re.compile(rf"{_ORIGIN}(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?")
"""URL without query and fragment."""

MOST_TAGS = 47
"""A resource has at most 50, and the service sets three:
https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html"""


class InvalidConfiguration(ValueError):
    """Names every environment variable that is missing or invalid, with what it must be."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(f"{name} {expected}" for name, expected in errors))
        self.errors = tuple(errors)


class Variables:
    """Reader of the process environment. An empty variable counts as missing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._wrong: list[tuple[str, str]] = []

    def check(self) -> None:
        """Raise `InvalidConfiguration` if a variable that was read is missing or invalid."""
        if self._wrong:
            raise InvalidConfiguration(self._wrong)

    def text(
        self,
        name: str,
        default: str | None = None,
        *,
        pattern: str | re.Pattern[str] = ".+",
        expected: str,
        is_secret: bool = False,
    ) -> str:
        """Return a printable string that matches a pattern. It is required if it has no default."""
        given = self._given(name)
        if given is None:
            if default is None:
                self.refuse(name, "is required.")
            return default or ""
        if not re.fullmatch(pattern, given) or not given.isprintable() or given != given.strip():
            self.refuse(name, f"must be {expected}" + ("." if is_secret else f"; got {_short(given)}."))
        return given

    def whole(self, name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
        """Return an integer."""
        given = self._given(name)
        if given is None:
            return default
        number = int(given) if re.fullmatch("[0-9]{1,16}", given) else None
        if number is None or not least <= number <= most:
            self.refuse(name, f"must be an integer from {least} to {most}; got {_short(given)}.")
            return default
        return number

    def amount(
        self, name: str, default: Decimal, *, least: Decimal = Decimal(0), most: Decimal = Decimal(1_000_000)
    ) -> Decimal:
        """Return an amount of money with up to six decimals."""
        given = self._given(name)
        if given is None:
            return default
        amount = Decimal(given) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", given) else None
        if amount is None or not least <= amount <= most:
            self.refuse(name, f"must be an amount from {least} to {most}, such as 2.50; got {_short(given)}.")
            return default
        return amount

    def choice(self, name: str, default: Choice, choices: Collection[Choice]) -> Choice:
        """Return one of the choices."""
        given = self._given(name) or default
        for choice in choices:
            if choice == given:
                return choice
        self.refuse(name, f"must be one of {', '.join(choices)}; got {_short(given)}.")
        return default

    def listed(self, name: str, pattern: str | re.Pattern[str], expected: str) -> tuple[str, ...]:
        """Return the items of a comma-separated list; each must match a pattern and be unique."""
        items = _items(self._given(name))
        for item in items:
            if not re.fullmatch(pattern, item):
                self.refuse(name, f"must be a comma-separated list of {expected}; {_short(item)} is invalid.")
        if len(set(items)) < len(items):
            self.refuse(name, "must not contain duplicates.")
        return items

    def tags(self, name: str) -> dict[str, str]:
        """Return tags of a list `key=value,...` that every AWS service accepts."""
        items = _items(self._given(name))
        tags: dict[str, str] = {}
        for item in items:
            key, _, value = item.partition("=")
            key, value = key.strip(), value.strip()
            if wrong := _wrong_tag(key, value):
                self.refuse(
                    name, f"must be a comma-separated list of key=value tags; {_short(item)} {wrong}."
                )
            elif key in tags:
                self.refuse(name, f"contains the tag {_short(key)} twice.")
            tags[key] = value
        if len(items) > MOST_TAGS:
            self.refuse(name, f"must have at most {MOST_TAGS} tags; got {len(items)}.")
        return tags

    def _given(self, name: str) -> str | None:
        return self._environ.get(name) or None

    def refuse(self, name: str, expected: str) -> None:
        """Record the error of a variable."""
        self._wrong.append((name, expected))


def _items(text: str | None) -> tuple[str, ...]:
    return tuple(item.strip() for item in (text or "").split(",") if item.strip())


def _wrong_tag(key: str, value: str) -> str | None:
    """Return why a tag is invalid, from https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html."""
    checks: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: not 1 <= len(key) <= 128, "needs a key of 1 to 128 characters"),
        (lambda: not 1 <= len(value) <= 256, "needs a value of 1 to 256 characters"),
        (lambda: not all(map(_is_in_tags, key + value)), "has invalid characters"),
        (
            lambda: key.lower().startswith("aws:") or value.lower().startswith("aws:"),
            "uses the prefix aws:, which is reserved by AWS",
        ),
        (
            lambda: key.lower().startswith("terraglue:"),
            "uses the prefix terraglue:, which is reserved by the service",
        ),
    )
    return next((expected for is_wrong, expected in checks if is_wrong()), None)


def _is_in_tags(character: str) -> bool:
    """Return whether a character is a letter, a digit, a space or one of `_.:/=+-@`."""
    return character in "_.:/=+-@ " or unicodedata.category(character)[0] in "LN"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
