"""Tokens of statements that sqlglot does not parse: DDL of Hive, SHOW, UNLOAD and others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from local.athena.errors import Refused
from local.athena.places import place_at

_HIVE_STRING = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""
_TRINO_STRING = r"'(?:[^']|'')*'"
_LEXEME = r"""
    \s+ | --[^\n]* | /\*.*?\*/
    | (?P<string>{string})
    | (?P<quoted>{quoted})
    | (?P<word>\w+)
    | (?P<symbol>.)
"""
_HIVE = re.compile(_LEXEME.format(string=_HIVE_STRING, quoted=r"`(?:[^`]|``)*`"), re.VERBOSE | re.DOTALL)
_TRINO = re.compile(
    _LEXEME.format(string=_TRINO_STRING, quoted=r"\"(?:[^\"]|\"\")*\"|`[^`]*`"), re.VERBOSE | re.DOTALL
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([0-3][0-7]{2})|(.))", re.DOTALL)
_ESCAPED: Mapping[str, str] = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "b": "\b", "Z": "\x1a"}


class Token(NamedTuple):
    """A token: `kind` is string, quoted, word or symbol, and `begin` its place in the text."""

    kind: str
    text: str
    begin: int


class Words:
    """The tokens of a statement, read from left to right.

    Hive's strings have backslash escapes, and its names are in backticks. Trino's names are in double quotes.
    """

    def __init__(self, text: str, *, is_hive: bool = False) -> None:
        self.text = text
        self._is_hive = is_hive
        self._place = 0
        self._tokens = [
            Token(found.lastgroup, found[0], found.start())
            for found in (_HIVE if is_hive else _TRINO).finditer(text)
            if found.lastgroup
        ]
        while self._tokens and self._tokens[-1].text == ";":
            self.text = self.text[: self._tokens.pop().begin]

    @property
    def is_done(self) -> bool:
        """Whether no token is left."""
        return self._place >= len(self._tokens)

    def peek(self, ahead: int = 0) -> str:
        """Return the text of a token in capitals, or "" after the end."""
        place = self._place + ahead
        return self._tokens[place].text.upper() if place < len(self._tokens) else ""

    def take(self) -> Token:
        """Return the next token of any kind."""
        if self.is_done:
            raise self.mismatch("more")
        self._place += 1
        return self._tokens[self._place - 1]

    def accept(self, *words: str) -> bool:
        """Return whether these words are next, and read them."""
        if all(self.peek(ahead) == word for ahead, word in enumerate(words)):
            self._place += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Read these words. Raises `Refused` if others are next."""
        for word in words:
            if not self.accept(word):
                raise self.mismatch(f"'{word}'")

    def end(self) -> None:
        """Check that no token is left."""
        if not self.is_done:
            raise self.mismatch("<EOF>")

    def name(self) -> str:
        """Read a name. Athena's catalog stores it in lower case."""
        if self.is_done or self._tokens[self._place].kind not in ("quoted", "word"):
            raise self.mismatch("<identifier>")
        if not self._is_hive and self.peek().startswith("`"):
            quotes = "backquoted identifiers are not supported; use double quotes to quote identifiers"
            raise self._refused(quotes)
        kind, text, _ = self.take()
        return (text[1:-1].replace(text[0] * 2, text[0]) if kind == "quoted" else text).lower()

    def table(self) -> tuple[str | None, str]:
        """Read the name of a table, and that of its database if there is one."""
        names = [self.name()]
        while len(names) < 3 and self.accept("."):
            names.append(self.name())
        if len(names) == 1 and "." in names[0]:  # `db.table` as SHOW CREATE TABLE writes it
            names = names[0].split(".")
        if len(names) == 3 and names.pop(0) != "awsdatacatalog":
            raise Refused("line 1:1: Only the catalog AwsDataCatalog is supported")
        return (names[0], names[1]) if len(names) == 2 else (None, names[0])

    def string(self) -> str:
        """Read a string and return its value."""
        if self.is_done or self._tokens[self._place].kind != "string":
            raise self.mismatch("<string>")
        text = self.take().text
        text = text[1:-1].replace(text[0] * 2, text[0])
        return _ESCAPE.sub(_unescaped, text) if self._is_hive else text

    def strings(self) -> dict[str, str]:
        """Read properties such as `('a'='b', 'c'='d')`."""
        found: dict[str, str] = {}
        self.expect("(")
        while True:
            key = self.string()
            self.expect("=")
            found[key] = self.string()
            if not self.accept(","):
                self.expect(")")
                return found

    def partition(self) -> dict[str, str]:
        """Read a partition such as `(year = 2018, month = '10')`."""
        found: dict[str, str] = {}
        self.expect("(")
        while True:
            key = self.name()
            self.expect("=")
            if self.peek().startswith(("'", '"')):
                found[key] = self.string()
            else:
                sign = "-" if self.accept("-") else ""
                found[key] = sign + self.take().text
            if not self.accept(","):
                self.expect(")")
                return found

    def bracketed(self) -> str:
        """Return the text in the brackets that are next, at its own line and column."""
        self.expect("(")
        begin, depth = self._place, 1
        while depth:
            text = self.take().text
            depth += (text == "(") - (text == ")")
        first, last = self._tokens[begin].begin, self._tokens[self._place - 1].begin
        return _blank(self.text[:first]) + self.text[first:last]

    def rest(self, *, without: int = 0) -> str:
        """Return the rest of the text at its own line and column, as blanks take the place of what was read.

        The last tokens, `without` in number, are left out.
        """
        begin = self._tokens[self._place].begin if not self.is_done else len(self.text)
        cut = len(self._tokens) - without
        end = self._tokens[cut].begin if cut < len(self._tokens) else len(self.text)
        self._place = len(self._tokens)
        return _blank(self.text[:begin]) + self.text[begin:end]

    def ends_with(self, *words: str) -> bool:
        """Return whether these words are the last ones."""
        last = [token.text.upper() for token in self._tokens[len(self._tokens) - len(words) :]]
        return last == list(words)

    def mismatch(self, expected: str) -> Refused:
        """Return the error for the next token."""
        found = "<EOF>" if self.is_done else self._tokens[self._place].text
        return self._refused(f"mismatched input '{found}'. Expecting: {expected}")

    def _refused(self, reason: str) -> Refused:
        begin = len(self.text) if self.is_done else self._tokens[self._place].begin
        return Refused(f"{place_at(self.text, begin)}: {reason}")


def _blank(text: str) -> str:
    return re.sub(r"\S", " ", text)


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return chr(int(found[2], 8)) if found[2] else _ESCAPED.get(found[3], found[3])
