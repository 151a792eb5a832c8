"""When queries that users start in AWS, with credentials of a sandbox, are looked for.

AWS tells nobody who holds credentials what they do with them, so the service lists the executions of the
workgroup while credentials are valid, and once afterwards.
"""

from __future__ import annotations

from chalicelib.clock import later, parse
from chalicelib.domain.environment import Environment

_EVERY_SECONDS = 180
_AFTER_SECONDS = 60
"""How long after credentials expire the last executions are listed: clocks differ."""
_LONGEST_CREDENTIALS_SECONDS = 3600
_OVERLAP_SECONDS = 300


def next_import(environment: Environment) -> str | None:
    """Return when executions are to be listed next, or None if nobody can start any."""
    until, done = environment.credentials_until, environment.queries_imported_until
    if until is None:
        return None
    last = later(parse(until), _AFTER_SECONDS)
    if done is None:
        return imported_since(environment)
    return None if done >= last else min(last, later(parse(done), _EVERY_SECONDS))


def imported_since(environment: Environment) -> str:
    """Return the time of the oldest execution that may not be recorded."""
    done, until = environment.queries_imported_until, environment.credentials_until
    if done is not None:
        return later(parse(done), -_OVERLAP_SECONDS)
    return later(parse(until or environment.updated_at), -_LONGEST_CREDENTIALS_SECONDS)
