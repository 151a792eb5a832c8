"""Owner names: makes them independent of letter case where the claim is case-insensitive."""

from __future__ import annotations

import re
from typing import TypeGuard

_FOLDED_CLAIMS = ("email", "emailaddress", "upn", "unique_name", "preferred_username")
"""Claims with an e-mail address or a similar name. `sub` is case-sensitive (OIDC Core, section 2)."""


_LONGEST = 128
FORGOTTEN = "forgotten-"
"""Begin of the aliases of owners who were forgotten (deploy/forget.py)."""


def is_name(value: object) -> TypeGuard[str]:
    """Return whether a value can be the name of an owner: text of 1 to 128 printable characters."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def is_folded(claim: str) -> bool:
    """Return whether a claim is case-insensitive, also with a namespace: `https://example.com/email`."""
    return re.split("[/:]", claim)[-1].lower() in _FOLDED_CLAIMS


def fold(name: str) -> str:
    """Return a name in lower case. Keeps letters whose lower case does not convert back to them.

    So two names become equal only if they differ in letter case. Unicode's full case folding and
    normalization also equate `ß` with `ss`, and the Kelvin sign with `k`. With an issuer that distinguishes
    them, one user could access another's sandbox.
    """
    return "".join(lower if (lower := letter.lower()).upper() == letter else letter for letter in name)
