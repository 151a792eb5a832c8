"""Names of databases, tables and columns.

A header's text becomes the name of a column by one rule, `column_names`:

1. Letters lose their accents (NFKD; `ß` is `ss`, `æ` is `ae`, `ø` is `o`, `ł` is `l`) and their case.
2. Each run of other characters than a-z, 0-9 and `_` becomes one `_`; at the ends it disappears.
3. A name that begins with a digit gets `c_` in front: `2019` becomes `c_2019`.
4. A text without such characters, or with letters that are not Latin, becomes `column_<position>`.
5. A name has at most 128 characters. A repeated name gets `_2`, `_3`, and so on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

NAME = re.compile(r"[a-z][a-z0-9_]*")
NAME_LENGTH = 128  # Glue allows 255; the sandbox's name precedes a database's name
NAME_RULE = "a name consists of a-z, 0-9 and _, begins with a letter and has at most 128 characters"

# Latin letters that Unicode does not decompose.
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\u0131": "i",
        "µ": "u",
    }
)
_OTHERS = re.compile(r"[^a-z0-9_]+")


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a database, a table or a column."""
    return len(text) <= NAME_LENGTH and NAME.fullmatch(text) is not None


def column_names(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns from the texts of a header, by the rule of this module."""
    wanted = [_name(text, position) for position, text in enumerate(texts, 1)]
    taken = set(wanted)  # `a, a, a_2` becomes `a, a_3, a_2`
    numbers: dict[str, int] = {}
    names = []
    for name in wanted:
        number = numbers.get(name, 1)
        free = name
        while number > 1 and free in taken:
            ending = f"_{number}"
            free = name[: NAME_LENGTH - len(ending)] + ending
            number += free in taken
        numbers[name] = number + 1
        taken.add(free)
        names.append(free)
    return tuple(names)


def _name(text: str, position: int) -> str:
    folded = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS)).lower()
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    if is_name(plain):
        return plain
    name = _OTHERS.sub("_", plain).strip("_")
    if not name or any(letter.isalpha() and not letter.isascii() for letter in plain):
        return f"column_{position}"
    return f"c_{name}"[:NAME_LENGTH] if name[0].isdigit() else name[:NAME_LENGTH]
