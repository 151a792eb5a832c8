"""Parser of DQDL, the language of rules (https://docs.aws.amazon.com/glue/latest/dg/dqdl.html)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..utils import unsupported
from .conditions import COMPARISONS, KEYWORDS, Condition, Keyword, Now, Operand

_TOKEN = re.compile(
    r"""(?P<space>\s+|(?:\#|//)[^\n]*)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<number>-?\d+(?:\.\d+)?%?(?![\w.]))
    |(?P<name>\$?[A-Za-z_]\w*)
    |(?P<sign>!=|>=|<=|[=<>()\[\],+-])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """Word of the language, with its place in the text."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Rule:
    """One rule: its type, its parameters and its conditions."""

    text: str
    type: str
    parameters: tuple[str, ...]
    condition: Condition | None = None
    threshold: Condition | None = None
    where: str | None = None


@dataclass(frozen=True)
class Composite:
    """Rules that `and` or `or` joins."""

    text: str
    operator: str
    rules: tuple[Rule | Composite, ...]


AnyRule = Rule | Composite


def parse(text: str) -> list[AnyRule]:
    """Return the rules of a ruleset. Raises `ValueError` with the place of an error."""
    return _Parser(text).document()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._position = 0
        self._constants: dict[str, str] = {}

    def _scan(self) -> Iterator[Token]:
        position = 0
        while position < len(self._text):
            match = _TOKEN.match(self._text, position)
            if not match:
                raise ValueError(f"DQDL: unexpected text: {self._text[position : position + 20]!r}")
            if match.lastgroup != "space":
                yield Token(str(match.lastgroup), match[0], match.start(), match.end())
            position = match.end()

    def _peek(self, ahead: int = 0) -> Token:
        place = self._position + ahead
        end = len(self._text)
        return self._tokens[place] if place < len(self._tokens) else Token("end", "", end, end)

    def _next(self, *expected: str) -> Token:
        token = self._peek()
        if expected and token.text not in expected and token.kind not in expected:
            line = self._text.count("\n", 0, token.start) + 1
            raise ValueError(f"DQDL: {' or '.join(expected)} expected, not {token.text!r}, in line {line}")
        self._position += 1
        return token

    def _accept(self, *texts: str) -> bool:
        found = self._peek().text.lower() in texts
        self._position += found
        return found

    def document(self) -> list[AnyRule]:
        rules: list[AnyRule] | None = None
        while self._peek().kind != "end":
            name = self._next("name").text
            self._next("=")
            if name == "Rules":
                rules = self._rules()
            elif name == "Analyzers":  # they only collect statistics
                self._skip_list()
            elif name == "DefaultLabels":
                unsupported("labels of DQDL")
            else:
                self._constants["$" + name] = _unquoted(self._next("text").text)
        if not rules:
            raise ValueError("DQDL: there are no Rules.")
        return rules

    def _rules(self) -> list[AnyRule]:
        self._next("[")
        rules = [self._rule()]
        while self._accept(","):
            if self._peek().text == "]":
                break
            rules.append(self._rule())
        self._next("]")
        return rules

    def _skip_list(self) -> None:
        self._next("[")
        depth = 1
        while depth:
            text = self._next().text
            depth += (text == "[") - (text == "]")

    def _rule(self) -> AnyRule:
        start = self._peek().start
        if self._peek().text != "(":
            return self._simple(start)
        members, found = [self._enclosed()], set()
        while self._peek().text.lower() in ("and", "or"):
            found.add(self._next().text.lower())
            members.append(self._enclosed())
        if len(found) > 1:
            raise ValueError("DQDL: put parentheses around rules joined by and, and by or.")
        if not found:
            return members[0]
        return Composite(self._source(start), found.pop(), tuple(members))

    def _enclosed(self) -> AnyRule:
        self._next("(")
        rule = self._rule()
        self._next(")")
        return rule

    def _simple(self, start: int) -> Rule:
        kind = self._next("name").text
        parameters = []
        while self._peek().kind == "text" or self._peek().text.startswith("$"):
            parameters.append(self._string())
        condition = self._condition()
        where = threshold = None
        while self._peek().text in ("where", "with", "labels"):
            word = self._next().text
            if word == "where":
                where = self._string()
            elif word == "with" and self._accept("threshold"):
                threshold = self._condition()
            else:
                unsupported(f"{'labels' if word == 'labels' else self._peek().text} of DQDL")
        return Rule(self._source(start), kind, tuple(parameters), condition, threshold, where)

    def _source(self, start: int) -> str:
        return " ".join(self._text[start : self._tokens[self._position - 1].end].split())

    def _string(self) -> str:
        token = self._next("text", "name")
        if token.kind == "text":
            return _unquoted(token.text)
        if token.text not in self._constants:
            raise ValueError(f"DQDL: {token.text} is not defined.")
        return self._constants[token.text]

    def _condition(self) -> Condition | None:
        negated = self._accept("not")
        verb = self._peek().text
        if verb in COMPARISONS:
            self._next()
            return Condition(verb, (self._operand(),))
        if verb == "between":
            self._next()
            low = self._operand()
            self._next("and")
            return Condition(verb, (low, self._operand()), negated)
        if verb == "in":
            self._next()
            self._next("[")
            operands = [self._operand()]
            while self._accept(","):
                operands.append(self._operand())
            self._next("]")
            return Condition(verb, tuple(operands), negated)
        if verb == "matches":
            self._next()
            return Condition(verb, (self._string(),), negated)
        if negated:
            self._next("between", "in", "matches")
        return None

    def _operand(self) -> Operand:
        if self._accept("("):
            operand = self._operand()
            self._next(")")
            return operand
        token = self._next("number", "text", "name")
        if token.kind == "number":
            if self._peek().text in ("minutes", "hours", "days"):
                unsupported("durations of DQDL but after now()")
            percent = token.text.endswith("%")
            return float(token.text.rstrip("%")) / (100 if percent else 1)
        if token.kind == "text" or token.text.startswith("$"):
            self._position -= 1
            return self._string()
        if token.text.upper() in KEYWORDS:
            return Keyword(token.text.upper())
        if token.text == "now":
            self._next("(")
            self._next(")")
            return self._time()
        unsupported(f"{token.text} in a condition of DQDL")  # dynamic rules: last(), avg(), ...

    def _time(self) -> Now:
        sign = self._peek().text
        if sign in ("+", "-"):
            self._next()
            amount = float(self._next("number").text)
        elif self._peek().kind == "number" and sign.startswith("-"):  # now() -3 days
            amount = float(self._next().text.lstrip("-"))
            sign = "-"
        else:
            return Now()
        unit = self._next("minutes", "hours", "days").text
        offset = datetime.timedelta(**{unit: amount})
        return Now(-offset if sign == "-" else offset)


def _unquoted(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])
