"""Owners' names: the same person, however a token writes their e-mail address."""

from __future__ import annotations

import re

_FOLDED_CLAIMS = ("email", "emailaddress", "upn", "unique_name", "preferred_username")
"""Claims with an e-mail address or a name of its form. `sub` is case sensitive (OIDC Core, section 2)."""


def is_folded(claim: str) -> bool:
    """Whether letter case says nothing in a claim, also one with a name space, `https://example.com/email`."""
    return re.split("[/:]", claim)[-1].lower() in _FOLDED_CLAIMS


def fold(name: str) -> str:
    """The name in lower case, letter by letter, where the upper case of that is the letter that was given.

    So two names become one only if they differ in case alone. Unicode's full case folding and normalization
    equate more: `ß` and `ss`, the sign for Kelvin and `k`. An issuer that does not would let the owner of one
    address into another's sandbox.
    """
    return "".join(lower if (lower := letter.lower()).upper() == letter else letter for letter in name)
